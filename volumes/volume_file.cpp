#include "volumes/volume_file.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "sys/file.h"

namespace berth::volumes {

using nlohmann::json;

namespace {
constexpr int kVersion = 1;
constexpr size_t kLimit = 4 << 20;
}  // namespace

std::string render_volume(const Volume& volume) {
  json document = {{"version", kVersion},           {"name", volume.name},     {"driver", volume.driver},
                   {"options", volume.driver_opts}, {"labels", volume.labels}, {"created", volume.created},
                   {"populated", volume.populated}};
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Volume> parse_volume(std::string_view text) {
  try {
    json document = json::parse(text.begin(), text.end());
    if (int version = document.at("version").get<int>(); version != kVersion) {
      return make_error(fmt::format("written by a newer berth (version {})", version));
    }
    Volume volume;
    document.at("name").get_to(volume.name);
    document.at("driver").get_to(volume.driver);
    document.at("options").get_to(volume.driver_opts);
    document.at("labels").get_to(volume.labels);
    document.at("created").get_to(volume.created);
    document.at("populated").get_to(volume.populated);
    return volume;
  } catch (const json::exception& e) {
    return make_error(fmt::format("not valid: {}", e.what()));
  }
}

Result<Volume> read_volume(const std::string& directory, const std::string& name) {
  std::string path = directory + "/" + name + "/volume.json";
  BERTH_TRY(std::string text, sys::read_file(path, kLimit));
  BERTH_TRY(Volume volume, parse_volume(text).context("{}", path));
  if (volume.name != name) return make_error(fmt::format("{}: belongs to a volume \"{}\"", path, volume.name));
  volume.data_dir = directory + "/" + name + "/_data";
  return volume;
}

Status write_volume(const std::string& directory, const Volume& volume) {
  return sys::write_file_atomic(directory + "/" + volume.name + "/volume.json", render_volume(volume),
                                sys::Durability::disk, 0600);
}

}  // namespace berth::volumes
