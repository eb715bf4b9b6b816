#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/images/transfers.h"
#include "cli/project.h"
#include "cli/transfer.h"
#include "registry/download.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

Status fetch() {
  BERTH_TRY(std::string text, sys::read_all(sys::FdRef(STDIN_FILENO)));
  BERTH_TRY(FetchOrder order, fetch_order_from_json(text));
  BERTH_TRY(registry::Downloaded file, registry::download(order.url, order.file));
  if (!file.modified) return {};
  timespec times[2] = {{0, UTIME_NOW}, {*file.modified, 0}};
  if (utimensat(AT_FDCWD, order.file.c_str(), times, 0) != 0) return sys_error("set the time of " + order.file, errno);
  return {};
}

}  // namespace

int fetch_file(const Context& context) {
  return report(context, fetch());
}

}  // namespace berth::cli
