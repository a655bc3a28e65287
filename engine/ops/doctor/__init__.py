"""`volley doctor`: what is wrong with a PBX and this machine, said in plain words, before a call finds it out.

    facts      what is known: of the settings' PBXs, of this machine
    ask        asks a PBX over AMI; changes nothing
    host       looks at local files, directories and limits; changes nothing
    conf       Asterisk's configuration files; filters: which events an AMI user's filters let through
    advisories known advisories of Asterisk, from a dated table
    wire       hears what a trunk's INVITE shows, when that is asked for
    check_*    small functions: facts in, findings out; pure
    examine    runs them all

What neither AMI nor a local file tells is a finding of severity `unknown`: never taken for well.
"""
