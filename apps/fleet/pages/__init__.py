"""The admin's pages about a period: what it cost, how trucks were used, how they were driven.

They run the statements of the API's endpoints, so that a page and the API show one figure.
"""
