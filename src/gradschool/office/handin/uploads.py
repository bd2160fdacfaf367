"""How an uploaded file gets from the connection into the store without being held in memory."""

from __future__ import annotations

from typing import IO, Any, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_protect

from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.rules import Refusal

FORM_OVERHEAD = 256 * 1024  # what a form adds to its files: names, boundaries, the token
DRAINED = 64 << 20  # bytes of a refused upload that are read and dropped so that the browser gets to see the answer


def too_large(limit: int) -> Refusal:
    """The refusal of a hand-in over the limit."""
    return Refusal(
        413,
        f"The hand-in is larger than {limit / 2**20:.0f} MiB, the most that is taken. "
        "Leave out data sets, weights and notebooks' outputs; nothing was handed in.",
    )


def cut_short() -> Refusal:
    """The refusal of an upload whose end never came."""
    return Refusal(400, "The upload ended before all of it was here, so nothing was handed in. Try again.")


def check_declared_length(request: HttpRequest) -> None:
    """Refuse by the Content-Length alone, before a byte of the body is read."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not declared.isdigit() or int(declared) > settings.UPLOAD_LIMIT + FORM_OVERHEAD:
        raise too_large(settings.UPLOAD_LIMIT)


def drain(request: HttpRequest) -> None:
    """Read the rest of a refused request and drop it, up to a bound.

    A server that answers and closes while the other side still sends makes browsers show a broken connection instead
    of the answer.
    """
    left = DRAINED
    try:
        while left > 0 and (chunk := request.read(min(left, 1 << 16))):
            left -= len(chunk)
    except OSError:
        return


def let_files_in(request: HttpRequest) -> HttpResponse | None:
    """Read a form with its files, once the view knows who sends it; the view itself is exempt from the CSRF check.

    None when the form's token fits, else the answer to a forged or outdated form. Raises Refusal for too much.
    """
    request.takes_files = True  # type: ignore[attr-defined]
    answer = csrf_protect(lambda request: HttpResponse(status=200))(request)
    return None if answer.status_code == 200 else answer


def files_of(request: HttpRequest) -> list[IncomingFile]:
    """The files of a form that was let in. Whoever takes them closes them."""
    return [cast(IncomingFile, file) for name in request.FILES for file in request.FILES.getlist(name)]


class IncomingFile(UploadedFile):  # type: ignore[type-arg]  # generic for type checkers only
    """An uploaded file that lies aside in the store. Whoever takes it keeps or discards `incoming`."""

    def __init__(self, incoming: Incoming, name: str) -> None:
        super().__init__(file=None, name=name, size=incoming.size)
        self.incoming = incoming

    def close(self) -> None:  # Django closes what a request brought at its end; kept files have moved away by then
        self.incoming.discard()


class _Counted:
    """The request's body, counting what was read."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = cast(bytes, self._body.read(size))
        self.count += len(data)
        return data


class BlobUploadHandler(FileUploadHandler):
    """Streams each file of a form into the store's waiting room; over the limit it stops and refuses.

    Only a request that a view has marked with `takes_files` may bring files, after the view has seen who sends it;
    any other request's files are read past.
    """

    def __init__(self, request: HttpRequest | None = None, *, inner: bool = False) -> None:
        super().__init__(request)
        self._inner = inner
        self._incoming: Incoming | None = None
        self._taken: list[Incoming] = []
        self._total = 0

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]] | None:
        if self._inner:
            return None
        # A form cut off in the middle of a file parses as if the file ended there, so the bytes are counted; one that
        # says it is shorter than it is parses as if its last file were not there, so that file is looked for.
        body = _Counted(input_data)
        inner = BlobUploadHandler(self.request, inner=True)
        try:
            post, files = MultiPartParser(META, cast(Any, body), [inner], encoding).parse()
        except BaseException:
            inner.drop()
            raise
        if body.count < content_length or inner._incoming is not None:
            inner.drop()
            raise cut_short()
        return post, files

    def drop(self) -> None:
        """Leave nothing of this request aside."""
        for incoming in self._taken:
            incoming.discard()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if not getattr(self.request, "takes_files", False):
            raise SkipFile
        self._incoming = Incoming()
        self._taken.append(self._incoming)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._incoming is not None
        self._total += len(raw_data)
        if self._total > settings.UPLOAD_LIMIT:
            raise too_large(settings.UPLOAD_LIMIT)
        self._incoming.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        if self._incoming is None:
            return None
        incoming, self._incoming = self._incoming, None
        incoming.close()
        return IncomingFile(incoming, str(self.file_name))


def raw_body(request: HttpRequest) -> Incoming:
    """A request's body, which is the file itself, into the waiting room."""
    declared = int(request.META.get("CONTENT_LENGTH") or 0)
    incoming = Incoming()
    try:
        while chunk := request.read(1 << 16):
            incoming.write(chunk)
            if incoming.size > settings.UPLOAD_LIMIT:
                raise too_large(settings.UPLOAD_LIMIT)
        if incoming.size < declared:
            raise cut_short()
        incoming.close()
    except OSError as error:
        incoming.discard()
        raise cut_short() from error
    except BaseException:
        incoming.discard()
        raise
    return incoming
