"""Files into the ledger: read, checked as a whole, and written as a whole or not at all.

`sheets` reads rows of cells, `values` what they mean, `kinds` says which columns there are, `checking` makes rows of
the ledger of them, `storing` writes them. The admin, the command line and the API all go this way.
"""
