# pragma version 0.4.3
# @license Apache-2.0
"""
@title Checkpoints of one provable record, anchored
@notice Holds sizes and roots of one append-only log, and nothing else: no person, no amount.
        A writer's later anchor has a larger size; what was anchored is never changed nor taken
        away. Each writer has a head of its own, so that none can anchor a size beyond all others
        and so shut them out.
        Whose keys may write is agreed by more than half of those that may.
"""

MOST: constant(uint256) = 32  # writers
LARGEST: constant(uint256) = 2**64 - 1  # size

event Anchored:
    size: indexed(uint64)
    root: bytes32
    writer: indexed(address)

event Allowed:
    writer: indexed(address)
    may: bool

origin: public(bytes32)  # SHA-256 of the log's origin line
head: public(uint256)  # how many were anchored, shifted left by 64, and the largest size of any
roots: public(HashMap[address, HashMap[uint64, bytes32]])  # by writer
heads: public(HashMap[address, uint64])  # the largest size of a writer
there: public(HashMap[uint64, HashMap[bytes32, bool]])  # whether anybody has anchored it
may_write: public(HashMap[address, bool])
writers: public(uint64)
votes: public(HashMap[bytes32, uint64])
voted: HashMap[bytes32, HashMap[address, bool]]
term: public(uint64)  # raised with every change of the writers: votes of before count no more


@deploy
def __init__(origin: bytes32, writers: DynArray[address, MOST]):
    assert origin != empty(bytes32), "no origin"
    assert len(writers) > 0, "no writer"
    self.origin = origin
    for writer: address in writers:
        self._allow(writer, True)


@external
def put(origin: bytes32, size: uint64, root: bytes32) -> bool:
    """
    @notice Anchor a checkpoint; False where this very one is there already, whoever wrote it.
    """
    assert self.may_write[msg.sender], "not a writer"
    assert origin == self.origin, "another origin"
    assert root != empty(bytes32), "no root"
    if self.there[size][root]:
        return False
    assert self.roots[msg.sender][size] == empty(bytes32), "another root"
    assert size > self.heads[msg.sender], "a smaller size"
    self.roots[msg.sender][size] = root
    self.heads[msg.sender] = size
    self.there[size][root] = True
    head: uint256 = self.head
    last: uint256 = max(head & LARGEST, convert(size, uint256))
    self.head = (((head >> 64) + 1) << 64) | last
    log Anchored(size=size, root=root, writer=msg.sender)
    return True


@external
def vote(writer: address, may: bool) -> bool:
    """
    @notice Say that a key shall write, or shall no longer; True where this vote decided it.
    """
    assert self.may_write[msg.sender], "not a writer"
    assert self.may_write[writer] != may, "nothing to change"
    question: bytes32 = keccak256(abi_encode(self.term, writer, may))
    assert not self.voted[question][msg.sender], "voted already"
    self.voted[question][msg.sender] = True
    self.votes[question] += 1
    if 2 * self.votes[question] <= self.writers:
        return False
    self._allow(writer, may)
    return True


@internal
def _allow(writer: address, may: bool):
    assert writer != empty(address), "no writer"
    assert self.may_write[writer] != may, "nothing to change"
    self.may_write[writer] = may
    if may:
        assert self.writers < convert(MOST, uint64), "too many writers"
        self.writers += 1
    else:
        assert self.writers > 1, "the last writer"
        self.writers -= 1
    self.term += 1
    log Allowed(writer=writer, may=may)
