"""One step on tensors and its exact discrete adjoint: derived from a stated field, or by autograd through any callable."""
