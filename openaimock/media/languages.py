"""The languages that the API transcribes: their codes in requests and their names in ``verbose_json``."""

from __future__ import annotations

#: The language that is assumed where a request names none.
DEFAULT = "english"

_ROWS = """
    af:afrikaans am:amharic ar:arabic as:assamese az:azerbaijani ba:bashkir be:belarusian bg:bulgarian bn:bengali
    bo:tibetan br:breton bs:bosnian ca:catalan cs:czech cy:welsh da:danish de:german el:greek en:english es:spanish
    et:estonian eu:basque fa:persian fi:finnish fo:faroese fr:french gl:galician gu:gujarati ha:hausa haw:hawaiian
    he:hebrew hi:hindi hr:croatian ht:haitian_creole hu:hungarian hy:armenian id:indonesian is:icelandic it:italian
    ja:japanese jw:javanese ka:georgian kk:kazakh km:khmer kn:kannada ko:korean la:latin lb:luxembourgish ln:lingala
    lo:lao lt:lithuanian lv:latvian mg:malagasy mi:maori mk:macedonian ml:malayalam mn:mongolian mr:marathi ms:malay
    mt:maltese my:myanmar ne:nepali nl:dutch nn:nynorsk no:norwegian oc:occitan pa:punjabi pl:polish ps:pashto
    pt:portuguese ro:romanian ru:russian sa:sanskrit sd:sindhi si:sinhala sk:slovak sl:slovenian sn:shona so:somali
    sq:albanian sr:serbian su:sundanese sv:swedish sw:swahili ta:tamil te:telugu tg:tajik th:thai tk:turkmen
    tl:tagalog tr:turkish tt:tatar uk:ukrainian ur:urdu uz:uzbek vi:vietnamese yi:yiddish yo:yoruba yue:cantonese
    zh:chinese
"""

#: The names by code: ISO 639-1, and three codes of Whisper's own (haw, jw, yue).
LANGUAGES = {code: name.replace("_", " ") for code, _, name in (row.partition(":") for row in _ROWS.split())}


def language_name(code: str | None) -> str | None:
    """The English name of a language by its code, in lower case; ``DEFAULT`` for None, None for an unknown code."""
    return DEFAULT if code is None else LANGUAGES.get(code.lower())
