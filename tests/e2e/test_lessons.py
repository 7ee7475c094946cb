"""The lessons of docs/lessons do what they show, in every language."""
import os
import re
import unittest

import lab
import lesson

LESSONS = os.path.join(lab.TOP, "docs/lessons")
LANGUAGES = ("ko",)


def pages(folder):
    return sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d\d-[a-z0-9-]+\.md", name))


def text_of(*path):
    with open(os.path.join(LESSONS, *path), encoding="utf-8") as file:
        return file.read()


class Lessons(unittest.TestCase):
    """Each page is a test, added below."""

    def test_every_language_has_every_page_with_the_same_commands(self):
        names = pages(LESSONS)
        self.assertGreaterEqual(len(names), 14)
        for language in LANGUAGES:
            self.assertEqual(pages(os.path.join(LESSONS, language)), names)
            for name in names:
                with self.subTest(language=language, page=name):
                    self.assertEqual(re.findall(r"^```.*?^```$", text_of(language, name), re.M | re.S),
                                     re.findall(r"^```.*?^```$", text_of(name), re.M | re.S))

    def test_the_contents_name_every_page(self):
        for folder in ("", *LANGUAGES):
            contents = text_of(folder, "README.md")
            self.assertEqual(sorted(set(re.findall(r"\]\((\d\d-[a-z0-9-]+\.md)\)", contents))), pages(LESSONS))

    def test_links_lead_somewhere(self):
        for folder in ("", *LANGUAGES):
            for name in [*pages(os.path.join(LESSONS, folder)), "README.md"]:
                for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(folder, name)):
                    there = os.path.join(LESSONS, folder, link)
                    self.assertTrue(os.path.exists(there), f"{folder}/{name}: {link}")


class Reader(unittest.TestCase):
    """The reader of the pages itself."""

    def test_shown_lines(self):
        self.assertIsNone(lesson.differs(["a", "...", "d ... f"], ["a", "b", "c", "d  e f"]))
        self.assertIsNone(lesson.differs(["...", "b"], ["b", "a", "b"]))
        self.assertEqual(lesson.differs(["a"], ["a", "b"]), "(the end)")
        self.assertEqual(lesson.differs(["a", "c"], ["a", "b"]), "c")
        self.assertEqual(lesson.differs(["a+"], ["aa"]), "a+")

    def test_steps(self):
        page = "# x\n```console\n$ one\n1\n$ two\n```\n\n```console stays\n$ up\n```\n```text\n$ no\n```\n"
        self.assertEqual([(s.kind, s.command, s.expected, s.line) for s in lesson.steps_of(page)],
                         [("", "one", ["1"], 3), ("", "two", [], 5), ("stays", "up", [], 9)])
        with self.assertRaises(AssertionError):
            lesson.steps_of("```console hidden\n$ a\n```\n")


def add(name):
    setattr(Lessons, "test_" + name[:-3].replace("-", "_"), lambda self: lesson.Lesson(os.path.join(LESSONS, name)).run())


for page in pages(LESSONS):
    add(page)

if __name__ == "__main__":
    lab.main()
