"""Bases of functions of depth, by the names that model files use."""

from odeanalysis.modeling.bases.basis import INNER, Basis
from odeanalysis.modeling.bases.chebyshev import Chebyshev
from odeanalysis.modeling.bases.dilated import Dilated
from odeanalysis.modeling.bases.fourier import Fourier
from odeanalysis.modeling.bases.hat import Hat
from odeanalysis.modeling.bases.indicator import Indicator
from odeanalysis.modeling.bases.legendre import Legendre
from odeanalysis.modeling.bases.monomial import Monomial
from odeanalysis.modeling.bases.radial import Radial
from odeanalysis.modeling.bases.spline import Spline

BASES: dict[str, type[Basis]] = {
    "fourier": Fourier,
    "chebyshev": Chebyshev,
    "legendre": Legendre,
    "monomial": Monomial,
    "indicator": Indicator,
    "hat": Hat,
    "spline": Spline,
    "radial": Radial,
}

__all__ = [
    "BASES",
    "INNER",
    "Basis",
    "Chebyshev",
    "Dilated",
    "Fourier",
    "Hat",
    "Indicator",
    "Legendre",
    "Monomial",
    "Radial",
    "Spline",
]
