"""Bases of functions of depth, by the names that model files use."""

from odeanalysis.modeling.bases.basis import Basis
from odeanalysis.modeling.bases.chebyshev import Chebyshev
from odeanalysis.modeling.bases.fourier import Fourier
from odeanalysis.modeling.bases.hat import Hat
from odeanalysis.modeling.bases.legendre import Legendre
from odeanalysis.modeling.bases.monomial import Monomial
from odeanalysis.modeling.bases.radial import Radial
from odeanalysis.modeling.bases.spline import Spline

BASES: dict[str, type[Basis]] = {
    "fourier": Fourier,
    "chebyshev": Chebyshev,
    "legendre": Legendre,
    "monomial": Monomial,
    "hat": Hat,
    "spline": Spline,
    "radial": Radial,
}

__all__ = ["BASES", "Basis", "Chebyshev", "Fourier", "Hat", "Legendre", "Monomial", "Radial", "Spline"]
