#include "compose/reader.h"

#include <fmt/core.h>

#include "base/heap.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

constexpr size_t kMaxDocuments = 200;
constexpr size_t kMaxParsedBytes = 4 * kMaxFileSize;  // a file that is included twice counts twice
constexpr size_t kTreeFactor = 48;                    // bytes of memory that a byte of a compose file comes to

std::string shown_name(const std::string& path, const std::string& working_directory) {
  return path == "-" ? "<stdin>" : display_path(path, working_directory);
}

}  // namespace

std::shared_ptr<const std::string> Reader::text_of(const std::string& path, const std::string& name,
                                                   const SourceSpan& at) {
  auto known = texts_.find(path);
  if (known != texts_.end()) return known->second;
  Result<std::string> text = path == "-" ? files_.read_stdin() : files_.read(path);
  if (!text.ok()) {
    diagnostics_.error(at.known() ? at : SourceSpan{source_file(name), 0, 0, 0},
                       fmt::format("cannot read {}: {}", at.known() ? name : std::string("this compose file"),
                                   text.error().message()));
    return texts_[path] = nullptr;
  }
  if (text->starts_with("\xEF\xBB\xBF")) text->erase(0, 3);
  diagnostics_.remember_source(name, *text);
  return texts_[path] = std::make_shared<const std::string>(std::move(*text));
}

std::vector<Tree> Reader::documents(const std::string& path, const std::string& how, const SourceSpan& at) {
  std::string name = shown_name(path, working_directory_);
  std::shared_ptr<const std::string> text = text_of(path, name, at);
  if (text == nullptr) return {};
  std::shared_ptr<const SourceFile> file = source_file(name);
  if (!how.empty()) file = source_by_way_of(file, how, at);
  parsed_bytes_ += text->size();
  if (parsed_bytes_ > kMaxParsedBytes) {
    diagnostics_.error({file, 0, 0, 0}, fmt::format("the compose files are larger than {} MiB", kMaxParsedBytes >> 20));
    return {};
  }
  size_t errors = diagnostics_.error_count();
  expect_allocations(kTreeFactor * text->size());
  std::vector<Tree> documents;
  bool empty = true;
  size_t count = 0;
  for (Tree& document : parse_yaml(file, *text, budget_, diagnostics_)) {
    if (document.is_null()) continue;
    empty = false;
    if (++count > kMaxDocuments) {
      diagnostics_.error(document.span, fmt::format("the file has more than {} documents", kMaxDocuments));
      break;
    }
    if (document.is_map())
      documents.push_back(std::move(document));
    else
      diagnostics_.error(document.span, fmt::format("a compose file is a map, not {}", kind_name(document.kind)));
  }
  if (empty && diagnostics_.error_count() == errors) diagnostics_.error({file, 0, 0, 0}, "empty compose file");
  return documents;
}

}  // namespace berth::compose
