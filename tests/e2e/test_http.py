"""Pages by curl and nc: the built-in page and a shared folder."""
import os

import lab
from lab import STACK

URL = f"http://{STACK}"


class BuiltIn(lab.Test):
    lab_capture = lab_clean = True

    def test_curl_shows_the_built_in_page(self):
        done = self.assert_ok(self.lab.curl("-v", URL + "/"))
        self.assertIn("< HTTP/1.1 200 OK", done.err)
        self.assertIn("< Content-Type: text/html", done.err)
        self.assertIn("</html>", done.out)

    def test_any_other_path_is_404(self):
        self.assertEqual(self.lab.curl("-o", "/dev/null", "-w", "%{http_code}", URL + "/nothing").out, "404")


class Folder(lab.Test):
    lab_capture = lab_clean = True
    SECRET = "nobody may read this"

    @classmethod
    def arrange(cls):
        cls.www = cls.place.file("www")
        os.makedirs(os.path.join(cls.www, "sub"))
        cls.sum = lab.make_file(os.path.join(cls.www, "data.bin"), 300_000)
        for name, text in (("a.html", "<p>first</p>\n"), ("b.txt", "second\n"), ("empty", ""),
                           ("with space.txt", "a space\n"), ("sub/deep.txt", "deep\n")):
            with open(os.path.join(cls.www, name), "w") as file:
                file.write(text)
        with open(cls.place.file("secret"), "w") as file:
            file.write(cls.SECRET)
        os.symlink(cls.place.file("secret"), os.path.join(cls.www, "link"))
        os.symlink("..", os.path.join(cls.www, "parent"))
        cls.lab_arguments = ("--www", cls.www)

    @classmethod
    def begin(cls):
        cls.dawdler = cls.lab.start_client("dawdle", STACK, 80)

    def fetch(self, path, *arguments):
        """Status, body."""
        done = self.assert_ok(self.lab.curl("--path-as-is", "-w", "\n%{http_code}", *arguments, URL + path))
        body, _, status = done.out_bytes.rpartition(b"\n")
        return int(status), body

    def file(self, name):
        with open(os.path.join(self.www, name), "rb") as file:
            return file.read()

    def test_a_binary_file_is_identical(self):
        got = self.place.file("got")
        self.assert_ok(self.lab.curl(URL + "/data.bin", "-o", got))
        self.assertEqual(lab.sha256_of(got), self.sum)

    def test_an_empty_file(self):
        self.assertEqual(self.fetch("/empty"), (200, b""))

    def test_percent_encoding_is_decoded(self):
        self.assertEqual(self.fetch("/with%20space.txt"), (200, b"a space\n"))
        self.assertEqual(self.fetch("/sub/%64eep.txt"), (200, b"deep\n"))

    def test_a_directory_lists_its_files(self):
        status, body = self.fetch("/")
        self.assertEqual(status, 200)
        for name in (b"a.html", b"b.txt", b"data.bin", b"sub/"):
            self.assertIn(name, body)

    def test_types_follow_the_name(self):
        for path, kind in (("/a.html", "text/html"), ("/b.txt", "text/plain"),
                           ("/data.bin", "application/octet-stream")):
            done = self.lab.curl("-o", "/dev/null", "-w", "%{content_type}", URL + path)
            self.assertTrue(done.out.startswith(kind), f"{path}: {done.out}")

    def test_head_tells_the_length_and_sends_no_body(self):
        done = self.assert_ok(self.lab.curl("-I", URL + "/data.bin"))
        self.assertIn("200 OK", done.out)
        self.assertIn("content-length: 300000", done.out.lower())

    def test_ranges(self):
        data = self.file("data.bin")
        for given, part in (("0-99", data[:100]), ("1000-1999", data[1000:2000]), ("299990-", data[-10:]),
                            ("-50", data[-50:]), ("299999-400000", data[-1:])):
            with self.subTest(range=given):
                self.assertEqual(self.fetch("/data.bin", "-r", given), (206, part))

    def test_a_range_behind_the_end_is_416(self):
        self.assertEqual(self.fetch("/data.bin", "-r", "300000-300010")[0], 416)

    def test_an_interrupted_download_is_resumed(self):
        got = self.place.file("resumed")
        with open(got, "wb") as file:
            file.write(self.file("data.bin")[:123_456])
        self.assert_ok(self.lab.curl("-C", "-", URL + "/data.bin", "-o", got))
        self.assertEqual(lab.sha256_of(got), self.sum)

    def test_an_unchanged_file_is_304(self):
        saved, page = self.place.file("etag"), self.place.file("page")
        first = self.lab.curl("--etag-save", saved, "-o", page, "-w", "%{http_code}", URL + "/b.txt")
        again = self.lab.curl("--etag-compare", saved, "-o", page, "-w", "%{http_code}", URL + "/b.txt")
        self.assertEqual((first.out, again.out), ("200", "304"))
        since = self.lab.curl("-z", os.path.join(self.www, "b.txt"), "-o", page, "-w", "%{http_code}", URL + "/b.txt")
        self.assertEqual(since.out, "304")

    def test_a_missing_file_is_404(self):
        self.assertEqual(self.fetch("/none")[0], 404)

    def test_nothing_outside_the_folder_can_be_read(self):
        for path in ("/../secret", "/sub/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/%2e%2e%2fsecret",
                     "/sub/..%2f..%2fsecret", "/link", "/parent/secret", "//etc/passwd", "/etc/passwd",
                     "/a.html%00.txt", "/..\\secret", "/%252e%252e/secret", "/./../secret"):
            with self.subTest(path=path):
                status, body = self.fetch(path)
                self.assertIn(status, (400, 403, 404))
                self.assertNotIn(self.SECRET.encode(), body)
                self.assertNotIn(b"root:", body)

    def test_wrong_requests_get_their_status_and_the_server_goes_on(self):
        for status, request in (
                (400, b"nonsense\r\n\r\n"), (400, b"GET / HTTP/1.1\r\n\r\n"),
                (405, b"POST /b.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
                (501, b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), (505, b"GET / HTTP/7.0\r\nHost: x\r\n\r\n"),
                (414, b"GET /" + 20_000 * b"a" + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
                (431, b"GET / HTTP/1.1\r\nHost: x\r\n" + 3000 * b"X-Header: long\r\n" + b"\r\n")):
            with self.subTest(status=status, request=request[:40]):
                done = self.lab.exec("nc", "-N", "-w", 10, STACK, 80, data=request)
                self.assertTrue(done.out.startswith(f"HTTP/1.1 {status} "), str(done))
        self.assertEqual(self.fetch("/b.txt"), (200, b"second\n"))

    def test_two_urls_use_one_connection(self):
        done = self.assert_ok(self.lab.curl("-v", URL + "/a.html", URL + "/b.txt"))
        self.assertEqual(done.out, "<p>first</p>\nsecond\n")
        self.assertEqual(done.err.count("* Connected to"), 1, done.err)
        self.assertIn("Re-using existing connection", done.err)

    def test_pipelined_requests_are_answered_in_order(self):
        names = ["a.html", "b.txt", "none", "data.bin", "sub/deep.txt"]
        request = "".join(f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n" for name in names[:-1])
        request += f"GET /{names[-1]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        rest = self.assert_ok(self.lab.exec("nc", STACK, "80", data=request.encode())).out_bytes
        for name in names:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = int(next(line for line in head.lower().split(b"\r\n") if b"content-length" in line).split()[1])
            self.assertEqual(head.split()[1], b"404" if name == "none" else b"200", name)
            if name != "none":
                self.assertEqual(rest[:length], self.file(name))
            rest = rest[length:]
        self.assertEqual(rest, b"")

    def test_each_request_is_one_line_in_the_log(self):
        self.fetch("/b.txt?from=log%0a")
        line, = self.lab.output.wait_for(r"GET /b\.txt\?from=log")
        self.assertRegex(line, r'^10\.7\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                               r'"GET \S+ HTTP/1\.1" 200 \d+ "-" "curl/\S+"$')

    def test_too_slow_a_client_gets_408(self):
        done = lab.finish(self.dawdler)
        self.assertTrue(done.out.startswith("HTTP/1.1 408 "), str(done))


if __name__ == "__main__":
    lab.main()
