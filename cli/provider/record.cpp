#include "cli/provider/record.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/json.h"
#include "sys/file.h"

namespace berth::cli::provider {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Record, project, service, type, program, options, order, stops, setenv,
                                                rawsetenv)

Result<std::vector<Record>> Records::of(const std::string& project) const {
  std::vector<Record> records;
  const std::string directory = directory_ + "/" + project;
  if (project.empty() || project.find('/') != std::string::npos || !sys::exists(directory)) return records;
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(directory));
  for (const std::string& name : names) {
    if (name.starts_with(".tmp-")) continue;
    const std::string path = directory + "/" + name;
    Result<std::string> text = sys::read_file(path);
    if (!text && text.error().code == ENOENT) continue;  // taken down meanwhile
    if (!text) return std::move(text).error();
    BERTH_TRY(Record record, engine::from_json_text<Record>(*text, path));
    records.push_back(std::move(record));
  }
  std::stable_sort(records.begin(), records.end(), [](const Record& a, const Record& b) { return a.order < b.order; });
  return records;
}

Status Records::write(const Record& record) const {
  const std::string directory = directory_ + "/" + record.project;
  BERTH_TRY_OK(sys::make_dirs(directory, 0700));
  // What it has answered with may be secret.
  return sys::write_file_atomic(directory + "/" + record.service + ".json", engine::to_text(record) + "\n",
                                sys::Durability::none, 0600);
}

Status Records::remove(const Record& record) const {
  const std::string directory = directory_ + "/" + record.project;
  const std::string path = directory + "/" + record.service + ".json";
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return sys_error("remove " + path, errno);
  // Not while there are others.
  if (rmdir(directory.c_str()) == 0) (void)rmdir(directory_.c_str());
  return {};
}

}  // namespace berth::cli::provider
