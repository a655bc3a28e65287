"""What Volley needs of an Asterisk, and what to ask it: tables, and what settings make of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from engine.config import Settings
from engine.inbound import SPOKEN as INBOUND
from engine.intake.placing import SPOKEN
from engine.ops.share import dialplan_marks
from engine.pbx_settings import PbxSettings
from engine.trunk_settings import TrunkSettings

CONFS = ("manager.conf", "asterisk.conf", "rtp.conf", "cdr.conf", "cel.conf", "logger.conf")
DANGEROUS = "STAT(e,/)"
"""Answers 1 only where live_dangerously=yes opens such functions to AMI."""
SAID = tuple(
    dict.fromkeys(
        [SPOKEN[what] for what in ("optout", "callback", "answer", "invalid")] + list(INBOUND.values())
    )
)
"""What is spoken in every language, by the name of its sound."""
READ = ("system", "call", "user", "dtmf")
"""Read classes of the AMI user: FullyBooted; the life of channels; what the dialplan reports; keys."""
WRITE = ("system", "call", "originate")
ACTIONS = {
    "Originate": "originate",
    "Hangup": "call",
    "Redirect": "call",
    "Setvar": "call",
    "DBPut": "system",
    "DBDel": "system",
    "DBDelTree": "system",
    "DBGetTree": "system",
    "CoreShowChannels": "system",
    "CoreStatus": "system",
    "CoreSettings": "system",
}
"""Actions that the engine sends -> the write class that lets it."""
TOO_MUCH = {
    "Command": "command",
    "UpdateConfig": "config",
    "CreateConfig": "config",
    "UserEvent": "user",
    "AGI": "agi",
}
"""Actions that it never sends -> the class to take away. Any of them in the wrong hands is a shell, or forged reports."""

MODULES = {
    "pbx_config": "reads the dialplan",
    "res_rtp_asterisk": "sound",
    "res_tonedetect": "TONE_DETECT: a fax that answers",
    "res_timing_timerfd": "a clock for playback",
    "app_amd": "tells people from answering machines",
    "app_dial": "transfers",
    "app_exec": "ExecIf",
    "app_playback": "prompts",
    "app_read": "keys",
    "app_record": "recorded answers",
    "app_sayunixtime": "spoken dates and times",
    "app_stack": "Gosub, Return, and the handler that tells how a call ended",
    "app_talkdetect": "BackgroundDetect: listens while the message plays",
    "app_userevent": "reports to the engine",
    "app_waitforsilence": "waits for the voicemail's beep",
    "format_wav": "prompts in WAV",
    "func_callerid": "CALLERID",
    "func_channel": "CHANNEL, and the hangup handler",
    "func_cut": "CUT",
    "func_db": "flows and reports in AstDB",
    "func_dialplan": "DIALPLAN_EXISTS",
    "func_groupcount": "places of transfers, calls back",
    "func_hangupcause": "SIP status of a call that ended",
    "func_logic": "IF",
    "func_strings": "FILTER, LEN, LISTFILTER, SHIFT, ARRAY, STRFTIME",
    "func_timeout": "the absolute limit of a call",
    "func_uri": "URIDECODE of contact fields, in contexts of your own",
}
"""Module -> what Volley's dialplan or calls need it for."""
PJSIP_MODULES = {"chan_pjsip": "SIP channels", "res_pjsip": "SIP", "res_pjsip_session": "SIP calls"}
FETCH_MODULES = {
    "func_curl": "fetches sounds",
    "res_curl": "fetches sounds",
    "func_env": "looks whether a sound is there",
    "func_module": "tells whether it can fetch",
    "app_mixmonitor": "makes the folder of a language",
}
"""For a PBX that fetches its sounds (dialplans/volley-fetch.conf)."""
DETECTOR_MODULES = {
    "res_agi": "asks the detector who answered",
    "app_audiosocket": "gives the detector the callee's audio",
    "chan_audiosocket": "lets the detector hear on while the message plays",
    "app_originate": "lets the detector hear on while the message plays",
    "app_chanspy": "lets the detector hear on while the message plays",
    "app_softhangup": "ends that",
}
"""For a PBX that the detector can serve; without them AMD() tells people from machines, less well."""
CODEC_MODULES = {
    "alaw": "codec_alaw",
    "ulaw": "codec_ulaw",
    "g722": "codec_g722",
    "gsm": "codec_gsm",
    "g729": "codec_g729",
}
"""Codec of a trunk -> what translates it; Opus and signed linear are looked at by hand."""
BUILT_IN = frozenset(
    {
        "Answer",
        "Background",
        "Goto",
        "GotoIf",
        "Hangup",
        "NoOp",
        "SayAlpha",
        "SayDigits",
        "SayNumber",
        "Set",
        "Wait",
    }
)
"""Applications of the core, which are always there (main/pbx_builtins.c)."""
BROUGHT = {
    "BackgroundDetect": "app_talkdetect", "SHIFT": "func_strings", "ARRAY": "func_strings", "STRFTIME": "func_strings",
    "TONE_DETECT": "res_tonedetect",
    "Originate": "app_originate", "ChanSpy": "app_chanspy", "SoftHangup": "app_softhangup", "STRREPLACE": "func_strings",
    "TryExec": "app_exec",
    "AGI": "res_agi", "AMD": "app_amd", "CALLERID": "func_callerid", "CURL": "func_curl", "CURLOPT": "func_curl", "IFMODULE": "func_module",
    "MixMonitor": "app_mixmonitor", "STAT": "func_env", "StopMixMonitor": "app_mixmonitor", "CHANNEL": "func_channel",
    "CUT": "func_cut", "DB": "func_db", "Dial": "app_dial", "DIALPLAN_EXISTS": "func_dialplan", "ExecIf": "app_exec",
    "FILTER": "func_strings", "LISTFILTER": "func_strings",
    "GROUP": "func_groupcount", "GROUP_COUNT": "func_groupcount", "Gosub": "app_stack",
    "HANGUPCAUSE": "func_hangupcause", "IF": "func_logic", "LEN": "func_strings", "Playback": "app_playback",
    "QUEUE_WAITING_COUNT": "app_queue", "Queue": "app_queue", "Read": "app_read", "Record": "app_record", "Return": "app_stack",
    "SayUnixTime": "app_sayunixtime", "TIMEOUT": "func_timeout", "UserEvent": "app_userevent",
    "WaitForSilence": "app_waitforsilence",
}  # fmt: skip
"""Application or function of Volley's dialplan -> the module that brings it."""


def modules_of(name: str, settings: Settings) -> dict[str, str]:
    """The modules that PBX `name` needs with these settings -> what for."""
    found = dict(MODULES)
    if settings.pbx[name].sounds_url is not None:
        found.update(FETCH_MODULES)
    if settings.detector.reaches(settings.pbx[name].host):
        found.update(DETECTOR_MODULES)
    if any(transfer.queue is not None for transfer in settings.transfer.values()):
        found["app_queue"] = "transfers to a queue"
    for trunk_name, trunk in settings.trunk.items():
        if trunk.pbx == name:
            found.update(PJSIP_MODULES if trunk.dial.startswith("PJSIP/") else {})
            for codec in trunk.codecs:
                if codec in CODEC_MODULES:
                    found.setdefault(CODEC_MODULES[codec], f"codec {codec} of trunk {trunk_name}")
    return found


def endpoint_of(trunk: TrunkSettings) -> str:
    """The PJSIP endpoint that a dial template names; empty for other technologies."""
    technology, _, rest = trunk.dial.partition("/")
    if technology != "PJSIP":
        return ""
    if rest.startswith("{number}@"):
        return rest.partition("{number}@")[2].partition("/")[0]
    return rest.partition("/")[0]


def functions_of(name: str, settings: Settings) -> Mapping[str, str]:
    """The functions to ask a PBX for -> what for."""
    found = {DANGEROUS: "live_dangerously"}
    for stem, mark in dialplan_marks().items():
        found[f"DIALPLAN_EXISTS({stem}-version,{mark},1)"] = f"dialplan {stem}"
    for context in ("volley-call", "volley-inbound", "volley-fetch", *settings.dialplan.contexts):
        found[f"DIALPLAN_EXISTS({context})"] = f"context {context}"
    for context in settings.dialplan.contexts:
        found[f"DIALPLAN_EXISTS({context},s,1)"] = f"context {context}"
    for transfer in settings.transfer.values():
        if transfer.queue is not None:
            found[f"QUEUE_EXISTS({transfer.queue})"] = f"queue {transfer.queue}"
            found[f"QUEUE_MEMBER({transfer.queue},count)"] = f"members of {transfer.queue}"
        for target in (transfer.dial or "").split("&"):
            kind, _, rest = target.partition("/")
            if kind == "PJSIP":
                found[f"PJSIP_ENDPOINT({rest.partition('/')[0].rpartition('@')[2]},allow)"] = (
                    f"telephone {target}"
                )
            elif kind == "Local":
                exten, _, context = rest.partition("/")[0].partition("@")
                found[f"DIALPLAN_EXISTS({context},{exten},1)"] = f"telephone {target}"
    return found


def lives_here(pbx: PbxSettings) -> bool:
    """Whether the PBX runs on this machine, by its address."""
    return pbx.host in {"localhost", "::1"} or pbx.host.startswith("127.")
