"""What a callee hears and can do: nodes and actions as a manifest writes them, their graph, and the same as entries of AstDB.

Values only: a flow is checked, drawn and compiled here, written by `engine.dialing.astdb` and run by dialplans/volley.conf.
"""
