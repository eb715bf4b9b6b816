#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "cli/build/progress.h"
#include "cli/context.h"
#include "cli/helper.h"
#include "git/clone.h"
#include "images/store.h"

namespace berth::cli {

/// What builds take from the network, by way of berth-images. What that says is output of the step that wants it. Safe
/// for several threads.
class Supplies {
 public:
  Supplies(const Context& context, const images::Store& store, BuildProgress& progress)
      : context_(context), store_(store), progress_(progress) {}

  /// The image, brought in where it is missing, or once in any case if `newer` ones are asked for.
  [[nodiscard]] Result<images::Image> image(const std::string& name, const std::optional<images::Platform>& platform,
                                            bool newer, const std::string& step,
                                            const std::function<bool()>& cancelled);
  /// The URL's content into a new file.
  [[nodiscard]] Status file(const std::string& url, const std::string& place, const std::string& step,
                            const std::function<bool()>& cancelled);
  /// The files of a repository. Returns the commit.
  [[nodiscard]] Result<std::string> repository(const git::CloneRequest& request, const std::string& ssh_agent,
                                               const std::string& step, const std::function<bool()>& cancelled);

 private:
  struct Brought {
    std::mutex mutex;  // held by whoever brings it
    bool done = false;
  };
  class Listener;
  [[nodiscard]] Status bring(const std::string& name, const std::optional<images::Platform>& platform,
                             const std::string& step, const std::function<bool()>& cancelled);

  const Context& context_;
  const images::Store& store_;
  BuildProgress& progress_;
  std::mutex mutex_;
  std::map<std::string, Brought> images_;  // by name and platform
};

}  // namespace berth::cli
