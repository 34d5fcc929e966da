"""The claims, in the order of their ids' page; a new one is a file here and a line below."""

from odeanalysis.verification.claim import Claim
from odeanalysis.verification.claims.adaptive_depth import ADAPTIVE_DEPTH
from odeanalysis.verification.claims.adaptive_reflection import ADAPTIVE_REFLECTION
from odeanalysis.verification.claims.conditional_flow import CONDITIONAL_FLOW
from odeanalysis.verification.claims.conditional_necessity import CONDITIONAL_NECESSITY
from odeanalysis.verification.claims.data_control import DATA_CONTROL
from odeanalysis.verification.claims.deep_limit import DEEP_LIMIT
from odeanalysis.verification.claims.depth_variance import DEPTH_VARIANCE
from odeanalysis.verification.claims.discrete_adjoint import DISCRETE_ADJOINT
from odeanalysis.verification.claims.end_depth import END_DEPTH
from odeanalysis.verification.claims.flow_divergence import FLOW_DIVERGENCE
from odeanalysis.verification.claims.functional_gradient import FUNCTIONAL_GRADIENT
from odeanalysis.verification.claims.generalized_adjoint import GENERALIZED_ADJOINT
from odeanalysis.verification.claims.higher_order import HIGHER_ORDER
from odeanalysis.verification.claims.input_gradient import INPUT_GRADIENT
from odeanalysis.verification.claims.input_layer import INPUT_LAYER
from odeanalysis.verification.claims.integral_regularizers import INTEGRAL_REGULARIZERS
from odeanalysis.verification.claims.observations import OBSERVATIONS
from odeanalysis.verification.claims.order_preservation import ORDER_PRESERVATION
from odeanalysis.verification.claims.orientation import ORIENTATION
from odeanalysis.verification.claims.reflection import REFLECTION
from odeanalysis.verification.claims.second_order import SECOND_ORDER
from odeanalysis.verification.claims.selective_higher_order import SELECTIVE_HIGHER_ORDER
from odeanalysis.verification.claims.spectral_gradient import SPECTRAL_GRADIENT
from odeanalysis.verification.claims.stacked_equivalence import STACKED_EQUIVALENCE
from odeanalysis.verification.claims.stacked_gradient import STACKED_GRADIENT
from odeanalysis.verification.claims.structured_augmentation import STRUCTURED_AUGMENTATION
from odeanalysis.verification.claims.well_posedness import WELL_POSEDNESS
from odeanalysis.verification.claims.zero_augmentation import ZERO_AUGMENTATION

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        GENERALIZED_ADJOINT,
        INPUT_GRADIENT,
        END_DEPTH,
        OBSERVATIONS,
        FUNCTIONAL_GRADIENT,
        SPECTRAL_GRADIENT,
        STACKED_GRADIENT,
        STACKED_EQUIVALENCE,
        ADAPTIVE_DEPTH,
        INTEGRAL_REGULARIZERS,
        DISCRETE_ADJOINT,
        SECOND_ORDER,
        WELL_POSEDNESS,
        REFLECTION,
        ORDER_PRESERVATION,
        ORIENTATION,
        DEPTH_VARIANCE,
        DEEP_LIMIT,
        ZERO_AUGMENTATION,
        INPUT_LAYER,
        STRUCTURED_AUGMENTATION,
        HIGHER_ORDER,
        SELECTIVE_HIGHER_ORDER,
        DATA_CONTROL,
        FLOW_DIVERGENCE,
        CONDITIONAL_FLOW,
        CONDITIONAL_NECESSITY,
        ADAPTIVE_REFLECTION,
    )
}
