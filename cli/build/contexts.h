#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "builder/build.h"
#include "builder/scratch.h"
#include "cli/build_job.h"
#include "cli/context.h"
#include "images/store.h"

namespace berth::cli {

/// Where the files of a build come from. What is elsewhere (repositories, downloads, standard input) is brought into
/// directories of ours, which go with this. Requires: a BuildLock.
class Contexts {
 public:
  struct Supplies {
    std::function<Status(const std::string& url, const std::string& file)> fetch;
    std::function<Result<images::Image>(const std::string& name, const std::optional<images::Platform>& platform)>
        image;
  };

  Contexts(const Context& context, images::Store& store, const BuildJob& job, Supplies supplies)
      : context_(context), store_(store), job_(job), supplies_(std::move(supplies)) {}

  struct Place {
    std::string directory;
    bool foreign = false;                   // somebody else has made it: what is read stays inside of it
    std::optional<std::string> dockerfile;  // the text, where that was all there is
  };

  /// The build's own. Error: there is none.
  [[nodiscard]] Result<Place> own();
  /// A named one: a directory, "docker-image://NAME", "oci-layout://DIRECTORY[:TAG|@DIGEST]", a repository, a URL.
  /// Each is brought once.
  [[nodiscard]] Result<builder::NamedContext> named(const std::string& value,
                                                    const std::optional<images::Platform>& platform);
  /// The files of a repository into an empty directory. Returns the commit.
  [[nodiscard]] Result<std::string> clone(const dockerfile::GitRemote& remote, bool keep_git_dir,
                                          const std::string& directory);
  /// A text somewhere on the network.
  [[nodiscard]] Result<std::string> download_text(const std::string& url);

 private:
  /// An empty directory.
  [[nodiscard]] Result<std::string> new_directory();
  [[nodiscard]] Result<Place> from_repository(const dockerfile::GitRemote& remote);
  [[nodiscard]] Result<Place> from_input();
  [[nodiscard]] Result<Place> from_url();
  [[nodiscard]] Result<Place> archive_or_dockerfile(const std::string& file, const std::string& directory);
  [[nodiscard]] Result<builder::NamedContext> bring(const std::string& value,
                                                    const std::optional<images::Platform>& platform);
  [[nodiscard]] std::string secret(const std::string& id) const;

  const Context& context_;
  images::Store& store_;
  const BuildJob& job_;
  Supplies supplies_;
  std::mutex mutex_;  // of what is below
  std::vector<builder::Scratch> scratches_;
  std::map<std::string, builder::NamedContext> named_;
};

}  // namespace berth::cli
