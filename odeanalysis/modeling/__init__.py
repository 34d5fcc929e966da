"""Models, objectives and problems: what a user states, checked when it is stated."""
