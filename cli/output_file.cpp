#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr size_t kBuffer = 256 * 1024;

bool is_other_than_regular(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

}  // namespace

Result<OutputFile> OutputFile::open(const std::string& path) {
  if (path.empty()) {
    if (isatty(STDOUT_FILENO) == 1)
      return make_error("refusing to write an archive to a terminal", "use -o FILE, or redirect standard output");
    return OutputFile("standard output", "", sys::UniqueFd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)));
  }
  if (is_other_than_regular(path)) {
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_WRONLY));
    return OutputFile(path, "", std::move(fd));
  }
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::string temporary = directory + ".tmp-" + sys::random_hex(8);
  // Like Docker: what a container or image holds is nobody else's business.
  Result<sys::UniqueFd> fd = sys::open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!fd) return sys_error("make " + printable(path), fd.error().code);
  return OutputFile(path, std::move(temporary), std::move(fd).value());
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      buffer_(std::move(other.buffer_)) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status OutputFile::write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() >= kBuffer ? flush() : Status();
}

Status OutputFile::flush() {
  Status written = sys::write_all(fd_.ref(), buffer_).context("{}", printable(path_));
  buffer_.clear();
  return written;
}

Status OutputFile::complete() {
  BERTH_TRY_OK(flush());
  if (temporary_.empty()) return {};
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return sys_error("rename to " + printable(path_), errno);
  temporary_.clear();
  return {};
}

Status save_text(const std::string& path, const std::string& text) {
  if (!is_other_than_regular(path)) return sys::write_file_atomic(path, text, sys::Durability::none);
  BERTH_TRY(OutputFile file, OutputFile::open(path));
  BERTH_TRY_OK(file.write(text));
  return file.complete();
}

}  // namespace berth::cli
