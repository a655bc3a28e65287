"""A campaign's report: one HTML page that needs nothing beside itself.

`read` counts (SQL adds up), `figures` is what was counted, `cards` makes tables with plots of it, `story` sentences, `drawing` SVG, and
`page` the page; `write` brings them together. Numbers of people never come into it.
"""
