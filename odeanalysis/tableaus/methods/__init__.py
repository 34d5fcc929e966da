"""The methods, one file each: `<name>.py` holds the tableau `<NAME>`; `registry.NAMES` lists them."""
