"""The practice carrier's number plan: which number has which behaviour, and the reverse.

Knows the two ranges and nothing of what a behaviour does (behaviours.toml). Both ranges are reserved for fiction, so no real
person has one of these numbers, should a call ever leave the lab:
- +33 1 99 00 XX XX: French numbering plan, decision 2018-0881 of Arcep, numbers for audiovisual works;
- +1 AAA 555 01XX: North American numbering plan, 555-0100 to 555-0199 (ATIS-0300115).
"""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["fr", "en"]
FRENCH_INSTANCES = 100
_AREAS = """
201 202 203 204 205 206 207 208 209 210 212 213 214 215 216 217 218 219 220 223 224 225 226 228 229
231 234 236 239 240 248 249 250 251 252 253 254 256 260 262 267 269 270 272 273 276 279 281 289 301
302 303 304 305 306 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 331 332 334
336 337 339 343 346 347 351 352 360 361 364 365 367 380 385 386 401 402 403 404 405 406 407 408 409
410 412 413 414 415 416 417 418 419 423 424 425 430 431 432 434 435 437 438 440 442 443 450 458 463
469 470 475 478 479 480 484 501 502 503 504 505 506 507 508 509 510 512 513 514 515 516 517 518 519
520 530 531 534 539 540 541 548 551 559 561 562 563 567 570 571 573 574 575 579 580 581 585 586 587
601 602 603 604 605 606 607 608 609 610 612 613 614 615 616 617 618 619 620 623 626 628 629 630 631
636 639 641 646 647 650 651 657 660 661 662 667 669 678 681 682 701 702 703 704 705 706 707 708 709
712 713 714 715 716 717 718 719 720 724 725 726 727 731 732 734 737 740 747 748 754 757 760 762 763
765 769 770 772 773 774 775 778 779 780 781 782 785 786 801 802 803 804 805 806 807 808 810 812 813
814 815 816 817 818 819 825 828 830 831 832 843 845 847 848 850 854 856 857 858 859 860 862 863 864
865 870 872 873 878 901 902 903 904 905 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925
928 929 930 931 934 936 937 938 940 941 947 949 951 952 954 956 959 970 971 972 973 978 979 980 984
985 989
"""
AREA_CODES: tuple[str, ...] = tuple(_AREAS.split())
"""Area codes of the United States and Canada that were in use by 2016, so that every numbering library knows them."""
_FRENCH = re.compile(r"(?:\+33|0033|33|0)19900(\d\d)\d\d")
_AMERICAN = re.compile(r"(?:\+1|001|1)[2-9]\d\d55501(\d\d)")


def number(code: str, instance: int = 0, language: Language = "fr") -> str:
    """The E.164 number of an instance of a behaviour: +33199 00 BB NN, or +1 AAA 555 01 BB with the NN-th area code.

    Raises ValueError for a code that is not two digits, or an instance that the range does not have.
    """
    if not re.fullmatch(r"[0-9]{2}", code):
        raise ValueError(f"{code!r} is not a behaviour: two digits")
    instances = FRENCH_INSTANCES if language == "fr" else len(AREA_CODES)
    if not 0 <= instance < instances:
        raise ValueError(
            f"instance {instance} of behaviour {code}: the {language} range has {instances}, from 0"
        )
    return f"+3319900{code}{instance:02d}" if language == "fr" else f"+1{AREA_CODES[instance]}55501{code}"


def behaviour_of(dialled: str) -> tuple[str, Language] | None:
    """The behaviour's code and the language of a number in any form the carrier takes; None for any other number."""
    if found := _FRENCH.fullmatch(dialled):
        return found[1], "fr"
    if found := _AMERICAN.fullmatch(dialled):
        return found[1], "en"
    return None
