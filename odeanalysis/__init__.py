"""From a stated continuous-depth model to its derived, computed and certified gradient.

Names are loaded when they are first used, so that the command line starts fast.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "symbolic.expressions": "block depth zeros ones eye dot outer trace diag concat transpose sumsq",
    "symbolic.functions": (
        "sin cos tan asin acos atan sinh cosh tanh exp log sqrt abs sign erf sigmoid softplus relu elu gelu silu maximum minimum where"
    ),
    "symbolic.nodes": "Block",
    "symbolic.formula": "Formula formula share",
    "symbolic.calculus.reverse": "vjp",
    "symbolic.calculus.forward": "jvp",
    "symbolic.calculus.jacobian": "jacobian",
    "symbolic.calculus.divergence": "divergence",
    "symbolic.language": "parse",
    "symbolic.printing.latex": "latex formula_latex",
    "symbolic.printing.program": "formula_text parse_formula",
    "symbolic.printing.text": "text",
    "modeling.model": "Model Objective Observation Problem",
    "modeling.networks": "Network",
    "modeling.properties": "Property conserved positive increasing decreasing between equilibrium",
    "modeling.bases": "Basis Fourier Chebyshev Legendre Monomial Indicator Hat Spline Radial Dilated",
    "modeling.transforms": (
        "galerkin stacked augment zero_augmentation structured_augmentation input_layer higher_order data_control "
        "adaptive_depth flow total_jacobian log_abs_det regularize unit_domain"
    ),
    "modeling.modelfile": "read loads",
    "modeling.writing": "dumps",
    "modeling.values": "read_values bind sample",
    "derivations.adjoint": "adjoint",
    "derivations.derived": "DerivedProblem",
    "derivations.parts": "Parts parts",
    "derivations.pointwise": "pointwise",
    "derivations.proof": "prove prove_tangents",
    "derivations.second_order": "second_order SecondOrder",
    "derivations.sensitivity": "variational",
    "derivations.step": "step step_vjp",
    "derivations.solution": "solution",
    "tableaus": "Tableau METHODS tableau",
    "targets": "emit TARGETS",
    "targets.callables": "compile_numpy",
    "numerics.gradients.evaluate": "value_and_gradient evaluate solve_problem Evaluation SENSITIVITIES",
    "numerics.gradients.run": "Run",
    "numerics.gradients.second": "hessian_vector hessian",
    "numerics.gradients.settings": "Settings",
    "numerics.solvers.listening": "listening Reached",
    "numerics.gradients.discrete": "DiscreteAdjoint",
    "numerics.gradients.continuous": "ContinuousAdjoint Backsolve",
    "numerics.gradients.forward": "Forward",
    "numerics.gradients.differences": "Differences ComplexStep",
    "numerics.fitting": "fit Fit",
    "numerics.functional.gradient": "functional_gradient FunctionalGradient",
    "numerics.functional.descent": "functional_descent FunctionalFit",
    "verification.certificate.certificate": "check Certificate",
    "verification.runner": "verify",
    "importers.equations": "from_sympy",
    "importers.tracing": "from_function",
    "importers.sbml.reader": "from_sbml",
    "importers.imported": "Imported",
    "errors": "OdeAnalysisError ModelError LanguageError DerivationError TargetError SolveError",
}
_OWNERS = {name: home for home, names in _HOMES.items() for name in names.split()}
_RENAMED = {"sum": ("symbolic.expressions", "total")}

__all__ = sorted({*_OWNERS, *_RENAMED})


def __getattr__(name: str) -> Any:
    home, original = _RENAMED.get(name, (_OWNERS.get(name), name))
    if home is None:
        raise AttributeError(f"module 'odeanalysis' has no attribute {name!r}")
    value = getattr(import_module(f"odeanalysis.{home}"), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
