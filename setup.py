"""The one step of the build that pyproject.toml cannot describe: a wheel carries the course.

`notebooks` and `data` lie beside the package in the repository, and a wheel holds packages only. So their files are
copied into `mss_lab/_course`, where `mss_lab.shipped.course_folder` finds them. An editable installation copies
nothing, since it uses the repository's own folders.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# The README's screenshots in data/screenshots stay behind.
COURSE = ("notebooks/[0-9][0-9]_*.ipynb", "data/README.md", "data/lessons/*/*", "data/models/*/*", "data/experiments/*")
INTO = "mss_lab/_course"


def course_files() -> list[str]:
    """Paths of the files that the wheel carries beside the package, relative to the repository."""
    return sorted(path.as_posix() for pattern in COURSE for path in Path().glob(pattern) if path.is_file())


class BuildWithCourse(build_py):
    """Builds the package, and copies the course into it."""

    def run(self) -> None:
        """Build; what an earlier build left is removed first, since the wheel takes all that lies there."""
        if self.editable_mode:
            super().run()
            return
        built = Path(self.build_lib, "mss_lab")
        if built.resolve() != Path("mss_lab").resolve():
            shutil.rmtree(built, ignore_errors=True)
        super().run()
        for name in course_files():
            target = Path(self.build_lib, INTO, name)
            self.mkpath(str(target.parent))
            self.copy_file(name, str(target))

    def get_source_files(self) -> list[str]:
        """The files that a source distribution needs, so that a wheel can be built from it."""
        return [*super().get_source_files(), *course_files()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """The files that a build writes."""
        copied = [] if self.editable_mode else [str(Path(self.build_lib, INTO, name)) for name in course_files()]
        return [*super().get_outputs(include_bytecode), *copied]


setup(cmdclass={"build_py": BuildWithCourse})
