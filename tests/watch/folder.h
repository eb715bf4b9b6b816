#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

namespace berth::watch {

/// A directory of the test's own.
struct Folder {
  test::TempDir own;
  std::string path = own.path();

  [[nodiscard]] std::string at(const std::string& name) const { return path + "/" + name; }
  void make(const std::string& name) const { REQUIRE(sys::make_dirs(at(name)).ok()); }
  void write(const std::string& name, const std::string& text) const {
    Result<sys::UniqueFd> file = sys::open_file(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    REQUIRE(file.ok());
    REQUIRE(sys::write_all(file->ref(), text).ok());
  }
  [[nodiscard]] std::string read(const std::string& name) const { return sys::read_file(at(name)).value_or("(none)"); }
  void rename(const std::string& from, const std::string& to) const {
    REQUIRE(::rename(at(from).c_str(), at(to).c_str()) == 0);
  }
};

}  // namespace berth::watch
