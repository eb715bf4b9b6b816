#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "builder/merged_path.h"
#include "dockerfile/ignore.h"
#include "images/digest.h"

namespace berth::builder {

/// Where COPY and ADD take files from: the build context, a stage or an image.
struct SourceTree {
  std::string name;                 // for messages: "the build context"
  std::vector<std::string> layers;  // topmost first; a context is one directory
  const dockerfile::IgnoreRules* ignore = nullptr;
  std::vector<dockerfile::PathPattern> excluded;  // --exclude: relative to the source
  // A context's files become root's and lose their extended attributes: both are this machine's business.
  bool keeps_owners = true;
};

/// One source of a COPY: a file or directory of the tree.
struct Source {
  std::string path;  // clean, relative to the tree's root; "" = all of it
  Found found;
  bool keep_packed = false;     // even where archives are taken apart
  bool from_elsewhere = false;  // not in the tree, so that its .dockerignore says nothing of it
  std::string identity;         // of its content, where that is known without reading it
};

/// What the words of a COPY stand for, patterns resolved, sorted within each. Error: what is not there, with the reason
/// (.dockerignore) or the nearest name.
[[nodiscard]] Result<std::vector<Source>> find_sources(const SourceTree& tree, const std::string& word);

/// Calls `visit` for everything below a directory, a directory before what is in it, by name. `path` is relative to the
/// directory.
using Visit = std::function<Status(const volumes::MergedDir& dir, const volumes::MergedDir::Entry& entry,
                                   const std::string& path)>;
[[nodiscard]] Status walk(const SourceTree& tree, const Source& directory, const Visit& visit);

/// Types, modes, link targets and content of a source; owners and extended attributes only where the tree keeps them,
/// times never.
[[nodiscard]] Status hash_source(const SourceTree& tree, const Source& source, images::Sha256& hash);

}  // namespace berth::builder
