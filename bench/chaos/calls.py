"""What one client asked for and what it saw of the answer: one side of the books. The audit record is the other."""

import dataclasses

TORN = b'data: {"id": "chatcmpl-1", '  # how a fake model begins an event that it breaks off
CUT = "the answer was cut without a word"  # what may never happen, said in two places
MODEL_PROMPT = 11  # tokens that a fake model says it read, whatever the prompt


@dataclasses.dataclass
class Call:
    """One request. `left` is how the client went away before its answer was whole: fin, rst, half, or None."""

    id: str
    kind: str
    model: str = ""           # as asked for
    room: str = ""            # real or fake: which sort of model answers
    key: str = ""             # the key's name in the configuration
    user: str = ""            # the end user that the record must name
    stream: bool = False
    pieces: int = 0           # words that a healthy fake model answers with: its completion tokens
    piece_bytes: int = 0      # extra length of each word
    body_bytes: int = 0
    undisturbed: bool = False  # nothing was being broken while it ran: it must go well

    head_sent: bool = False   # every byte of the head was given to the system: from here on a record is owed
    body_sent: bool = False
    left: str | None = None

    status: int | None = None
    seen_bytes: int = 0       # of the answer's body, without its framing
    seen_events: int = 0      # data events with a piece of the answer
    whole: bool = False       # the answer's framing ended properly
    done: bool = False        # [DONE] was read
    error_code: str | None = None   # of an error body or an error event
    error_event: bool = False
    prompt_tokens: int | None = None      # what the answer said
    completion_tokens: int | None = None
    attempts: int | None = None           # the header x-intragate-attempts
    kept: bool = False        # came on a connection that had served another call before
    trouble: list = dataclasses.field(default_factory=list)  # what no client may ever see

    @property
    def end(self):
        """In one word how it ended for the client."""
        if self.left:
            return "left"
        if self.status is None:
            return "no answer"
        if self.status != 200:
            return f"{self.status}"
        if self.error_event:
            return "error event"
        if not self.whole:
            return "cut"
        return "ok" if self.done or not self.stream else "no [DONE]"

    def text_bytes(self):
        """Length of a fake model's whole text, which is `pieces` words with the call's own tag in each."""
        return sum(len(word(self.tag, number, self.piece_bytes)) for number in range(self.pieces))

    @property
    def tag(self):
        """What a fake model puts into every word of the answer."""
        return self.id


def word(tag, number, extra):
    """The fake model's n-th word. The tag shows an answer that went to somebody else, the number one that was lost,
    doubled or reordered."""
    return f"{tag}.{number}{'=' * extra} "
