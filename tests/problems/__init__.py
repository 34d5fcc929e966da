"""Problems that every property is tested on; `tests.cases` lists them."""
