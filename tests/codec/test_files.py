"""Open files among the arguments."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile

import pytest

from sidecar_science.codec.values import Codec
from sidecar_science.errors import NotEncodable, TooLarge, Undecodable

codec = Codec(max_bytes=10_000)


def there_and_back(file):
    return codec.decode(codec.encode([file]))[0]


@pytest.fixture
def letter(tmp_path):
    """A file of ten bytes on disk."""
    path = tmp_path / "letter.pdf"
    path.write_bytes(b"0123456789")
    return path


def test_an_open_file_is_its_content_and_its_name(letter):
    """B gets a file of the same content and name, standing at its beginning."""
    with letter.open("rb") as file:
        decoded = there_and_back(file)

    assert type(decoded) is io.BytesIO
    assert decoded.read() == b"0123456789"
    assert decoded.name == str(letter)


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_file_is_taken_from_where_it_stands_and_stays_there(letter, buffering):
    """What the adapter has read already is not sent again, and what it will read is still to be read."""
    with letter.open("rb", buffering=buffering) as file:
        file.read(4)

        assert there_and_back(file).read() == b"456789"
        assert there_and_back(file).read() == b"456789"
        assert file.tell() == 4
        assert file.read() == b"456789"


def test_a_text_file_is_text(tmp_path):
    """Line ends and lone surrogates of text are kept as they were read."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"caf\xc3\xa9\r\n\xff")
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.read(2)

        decoded = there_and_back(file)

        assert file.read() == "fé\r\n\udcff"
    assert type(decoded) is io.StringIO
    assert decoded.read() == "fé\r\n\udcff"


@pytest.mark.parametrize("file", [io.BytesIO(b""), io.StringIO(""), io.StringIO("a\r\nb\n"), io.BytesIO(b"\0" * 99)])
def test_files_in_memory_are_files(file):
    """They have no name, and may be empty."""
    decoded = there_and_back(file)

    assert type(decoded) is type(file)
    assert decoded.getvalue() == file.getvalue()
    assert not hasattr(decoded, "name")


def test_wrapped_files_are_files(letter):
    """Temporary and compressed files, and members of an archive."""
    with tempfile.NamedTemporaryFile() as named, tempfile.SpooledTemporaryFile() as spooled:
        for file in (named, spooled):
            file.write(b"0123456789")
            file.seek(2)
            assert there_and_back(file).read() == b"23456789"
            assert file.tell() == 2
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("x", b"01")
    with zipfile.ZipFile(archive) as made, made.open("x") as member:
        assert there_and_back(member).read() == b"01"
    with gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"01"))) as member:
        assert there_and_back(member).read() == b"01"


class Upload:
    """What a web framework hands out: everything is passed on to the file that it wraps."""

    def __init__(self, stream, name=None):
        self.stream = stream
        self.name = name

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_an_upload_of_a_web_framework_is_a_file():
    """A wrapper that passes everything on is known by the file that it wraps."""
    upload = Upload(io.BytesIO(b"x,y"), name="rows.csv")

    decoded = there_and_back(upload)

    assert (decoded.read(), decoded.name) == (b"x,y", "rows.csv")


class Duck:
    """A file without `seekable`, that gives two bytes at a time."""

    name = 3

    def __init__(self):
        self.inner = io.BytesIO(b"12345")

    def read(self, size):
        return self.inner.read(min(size, 2))

    def seek(self, place):
        return self.inner.seek(place)

    def tell(self):
        return self.inner.tell()


def test_a_file_that_gives_little_at_a_time_is_read_to_its_end():
    """Raw files may return less than they were asked for; a name that is a number is none."""
    decoded = there_and_back(Duck())

    assert decoded.read() == b"12345"
    assert not hasattr(decoded, "name")


def closed(path):
    with path.open("rb") as file:
        return file


class Pipe(io.BytesIO):
    def seekable(self):
        return False


class Failing(io.BytesIO):
    @property
    def name(self):
        raise SystemExit

    def read(self, size=-1):
        raise SystemExit


class Strange(Duck):
    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def read(self, size):
        return self.pieces.pop(0)

    def seek(self, place):
        return place

    def tell(self):
        return 0


@pytest.mark.parametrize(
    "make",
    [
        closed,
        lambda path: path.open("wb"),
        lambda path: Pipe(b"x"),
        lambda path: Failing(b"x"),
        lambda path: Strange(None),
        lambda path: Strange(b"a", "b"),
        lambda path: Upload(Pipe(b"x")),
    ],
)
def test_what_cannot_be_read_twice_is_not_encodable(letter, make):
    """Closed, write-only, unseekable and broken files are told by name and place."""
    file = make(letter)

    with pytest.raises(NotEncodable) as raised:
        codec.encode({"files": [file]})

    assert raised.value.path == "$.files[0]"


def test_a_name_that_raises_is_no_name():
    """The content is what counts."""

    class Nameless(io.BytesIO):
        @property
        def name(self):
            raise SystemExit

    assert there_and_back(Nameless(b"x")).read() == b"x"


def test_an_interrupt_while_a_name_is_asked_for_is_passed_on():
    """Ctrl-C belongs to the caller."""

    class Interrupted(io.BytesIO):
        @property
        def name(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.encode(Interrupted(b"x"))


def test_a_file_that_is_too_large_is_not_read_to_its_end():
    """Reading stops at the bound, and the file is put back."""
    file = io.BytesIO(b"x" * 50_000)

    with pytest.raises(TooLarge):
        codec.encode([file])

    assert file.tell() == 0


def test_names_and_contents_of_another_type_are_not_decoded():
    """A forged file is refused."""
    forged = codec.encode(io.BytesIO(b"x")).replace(b"\xc0", b"\x05")

    with pytest.raises(Undecodable):
        codec.decode(forged)
