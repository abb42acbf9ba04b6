"""The pages for people: one function a page, from a desk to HTML. They work without scripts."""
