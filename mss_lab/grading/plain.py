"""Text that a student wrote, made safe for a table, a page or one line: active characters are removed.

On a terminal a name must stay recognisable; there `mss_lab.cli.plain` shows such characters instead.

A student's message, name or path can hold escape sequences that a terminal obeys, characters that turn the direction
of reading or are invisible, line breaks that look like lines of the grader, and halves of characters (lone
surrogates) that no file can store. None of these is left in what `plain` returns.

Contents: plain.
"""

import re
import unicodedata

# How much of a text is kept. A message of a notebook can be of any length.
LONGEST = 500

# Escape sequences as ECMA-48 names them, in their 7-bit and their 8-bit form: control strings (OSC, DCS, SOS, PM, APC)
# up to their terminator, control sequences (CSI), and all shorter ones.
ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
)

# Categories of Unicode that show nothing, or something else than they hold. Controls and separators of lines stand
# between two words; a format character, such as a mark of direction or a space without width, stands inside one.
SEPARATING = ("Cc", "Zl", "Zp")
UNSEEN = "Cf"
HALF = "Cs"


def plain(text: object, longest: int = LONGEST) -> str:
    """Return `text` in one line without escape sequences, control characters and invisible characters.

    Parameters
    ----------
    text : str, or anything else, of which the text is taken
    longest : int
        Characters that are kept. If the text is longer, a remark at the end says so.

    Returns
    -------
    str
        It can be encoded in UTF-8. Runs of white space are single spaces; a lone surrogate is a question mark.
    """
    text = str(text)
    # More is read than is kept, because what is removed does not count.
    start = text[: 4 * longest]
    kept = " ".join("".join(_shown(character) for character in ESCAPES.sub("", start)).split())
    if len(kept) <= longest and len(start) == len(text):
        return kept
    return f"{kept[:longest]} ... (cut; it had {len(text)} characters)".strip()


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == HALF:
        return "?"
    if category == UNSEEN:
        return ""
    return " " if category in SEPARATING else character
