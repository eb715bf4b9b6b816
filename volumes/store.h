#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/paths.h"

namespace berth::volumes {

/// A named volume: `<root>/volumes/<name>/{_data, volume.json}`.
struct Volume {
  std::string name;
  std::string driver = "local";
  std::map<std::string, std::string> driver_opts;
  std::map<std::string, std::string> labels;
  std::string created;     // RFC 3339
  bool populated = false;  // copy-up has been done, or is no longer wanted
  std::string data_dir;    // what is mounted; not part of the file

  bool operator==(const Volume&) const = default;
};

struct VolumeRequest {
  std::string name;
  std::string driver = "local";
  std::map<std::string, std::string> driver_opts;
  std::map<std::string, std::string> labels;
};

/// `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, at most 255 bytes. Error: names what is wrong.
[[nodiscard]] Status check_volume_name(std::string_view name);

/// The named volumes of one state root. Holds no state of its own: any number of processes may use it. Metadata is on
/// the disk before the data directory can be used, so that whatever crashes, a volume is either listed or not there.
class VolumeStore {
 public:
  /// Makes `<root>/volumes` (0700: containers reach their data by mount, other users not at all) if it is missing.
  [[nodiscard]] static Result<VolumeStore> open(const sys::Paths& paths);
  [[nodiscard]] static Result<VolumeStore> open_directory(const std::string& directory);

  /// Ok if it exists already, whatever its labels; the existing volume is returned. Error: bad name, a driver that is
  /// not "local", the same name with other driver options.
  [[nodiscard]] Result<Volume> create(const VolumeRequest& request) const;
  /// Error ENOENT with a hint (nearest name) if there is none.
  [[nodiscard]] Result<Volume> inspect(const std::string& name) const;
  /// All volumes that have these labels, sorted by name; an empty value in the filter matches any. Directories
  /// without readable metadata are left out and described in `damaged`.
  [[nodiscard]] Result<std::vector<Volume>> list(const std::map<std::string, std::string>& labels = {},
                                                 std::vector<Error>* damaged = nullptr) const;
  /// Removes the volume and its data; Ok if already gone. Requires: no container uses it.
  [[nodiscard]] Status remove(const std::string& name) const;
  /// Records that the volume must not be filled by copy-up any more (`nocopy`, first use without an image directory).
  [[nodiscard]] Status mark_populated(const std::string& name) const;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string volume_path(const std::string& name) const { return directory_ + "/" + name; }

 private:
  explicit VolumeStore(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

}  // namespace berth::volumes
