"""Reports of measuring as something to look at: an HTML page, a picture, a Markdown page.

``gather`` turns the JSON files into figures.Page, which html, markdown and png show; none of
these knows the files' formats.
"""
