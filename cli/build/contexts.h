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
#include "git/clone.h"
#include "images/store.h"

namespace berth::cli {

/// Where the files of a build come from. What is elsewhere (repositories, downloads, standard input) is brought into
/// directories of ours, which go with this. Requires: a BuildLock.
class Contexts {
 public:
  /// How things are brought; `step` is who wants them.
  struct Ways {
    std::function<Status(const std::string& url, const std::string& file, const std::string& step)> fetch;
    std::function<Result<images::Image>(const std::string& name, const std::optional<images::Platform>& platform,
                                        const std::string& step)>
        image;
    std::function<Result<std::string>(const git::CloneRequest& request, const std::string& ssh_agent,
                                      const std::string& step)>
        clone;
  };

  Contexts(const Context& context, images::Store& store, const BuildJob& job, Ways ways)
      : context_(context), store_(store), job_(job), ways_(std::move(ways)) {}

  struct Place {
    std::string directory;
    bool foreign = false;                   // somebody else has made it: what is read stays inside of it
    std::optional<std::string> dockerfile;  // the text, where that was all there is
  };

  /// The build's own. Error: there is none.
  [[nodiscard]] Result<Place> own(const std::string& step);
  /// A named one: a directory, "docker-image://NAME", "oci-layout://DIRECTORY[:TAG|@DIGEST]", a repository, a URL.
  /// Each is brought once.
  [[nodiscard]] Result<builder::NamedContext> named(const std::string& value,
                                                    const std::optional<images::Platform>& platform,
                                                    const std::string& step);
  /// The files of a repository into an empty directory. Returns the commit.
  [[nodiscard]] Result<std::string> clone(const dockerfile::GitRemote& remote, bool keep_git_dir,
                                          const std::string& directory, const std::string& step);
  /// A text somewhere on the network.
  [[nodiscard]] Result<std::string> download_text(const std::string& url);

 private:
  /// An empty directory.
  [[nodiscard]] Result<std::string> new_directory();
  [[nodiscard]] Result<Place> from_repository(const dockerfile::GitRemote& remote, const std::string& step);
  [[nodiscard]] Result<Place> from_input();
  [[nodiscard]] Result<Place> from_url(const std::string& step);
  [[nodiscard]] Result<Place> archive_or_dockerfile(const std::string& file, const std::string& directory);
  [[nodiscard]] Result<builder::NamedContext> bring(const std::string& value,
                                                    const std::optional<images::Platform>& platform,
                                                    const std::string& step);
  [[nodiscard]] std::string secret(const std::string& id) const;

  const Context& context_;
  images::Store& store_;
  const BuildJob& job_;
  Ways ways_;
  std::mutex mutex_;  // of what is below
  std::vector<builder::Scratch> scratches_;
  std::map<std::string, builder::NamedContext> named_;
};

}  // namespace berth::cli
