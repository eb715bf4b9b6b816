#include "images/build_cache.h"

#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "sys/file.h"

namespace berth::images {
namespace {

using nlohmann::json;

std::string directory_of(const Store& store) {
  return store.directory() + "/build-cache";
}

std::optional<CachedStep> read_step(const std::string& path) {
  Result<std::string> text = sys::read_file(path, kMetadataLimit);
  if (!text) return std::nullopt;
  json document = json::parse(*text, nullptr, false);
  auto text_of = [&](const char* key) {
    auto value = document.find(key);
    return value != document.end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  if (!document.is_object() || !document.contains("size") || !document["size"].is_number_unsigned())
    return std::nullopt;
  Result<Digest> blob = Digest::parse(text_of("digest")), diff_id = Digest::parse(text_of("diff_id"));
  if (!blob || !diff_id) return std::nullopt;
  Descriptor layer{text_of("media_type"), *blob, document["size"].get<uint64_t>(), {}, std::nullopt};
  return CachedStep{std::move(layer), *diff_id, text_of("created")};
}

}  // namespace

std::optional<CachedStep> BuildCache::find(const Digest& key) const {
  std::optional<CachedStep> step = read_step(directory_of(store_) + "/" + key.hex());
  if (!step || !store_.has_blob(step->layer.digest) || !store_.has_layer(step->diff_id)) return std::nullopt;
  return step;
}

Status BuildCache::put(const Digest& key, const CachedStep& step) const {
  BERTH_TRY_OK(sys::make_dirs(directory_of(store_), 0700));
  json document{{"media_type", step.layer.media_type},
                {"digest", step.layer.digest.str()},
                {"size", step.layer.size},
                {"diff_id", step.diff_id.str()},
                {"created", step.created}};
  // Not synced: after a power cut the step is made again.
  return sys::write_file_atomic(directory_of(store_) + "/" + key.hex(), document.dump(), sys::Durability::none, 0600);
}

Result<size_t> BuildCache::clear() const {
  std::string directory = directory_of(store_);
  if (!sys::exists(directory)) return size_t{0};
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(directory));
  BERTH_TRY_OK(sys::remove_tree(directory));
  return names.size();
}

Result<std::vector<CachedStep>> BuildCache::all() const {
  std::vector<CachedStep> steps;
  std::string directory = directory_of(store_);
  if (!sys::exists(directory)) return steps;
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(directory));
  for (const std::string& name : names) {
    if (std::optional<CachedStep> step = read_step(directory + "/" + name)) steps.push_back(*std::move(step));
  }
  return steps;
}

}  // namespace berth::images
