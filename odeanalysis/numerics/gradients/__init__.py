"""Gradients: sensitivities as values, behind one `value_and_gradient`."""
