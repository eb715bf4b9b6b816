#pragma once

#include <string>

#include "base/diagnostics.h"
#include "base/result.h"
#include "cli/build/contexts.h"
#include "cli/build_job.h"
#include "dockerfile/ignore.h"

namespace berth::cli {

struct DockerfileText {
  std::string name;  // for messages
  std::string path;  // empty: it is no file of the context
  std::string text;
};

/// The job's Dockerfile: a file of the context, or of this machine where the context is one of its directories, a text
/// of the job itself, standard input ("-"), or a URL. Error: there is none, with the nearest name.
[[nodiscard]] Result<DockerfileText> read_dockerfile(const BuildJob& job, const Contexts::Place& place,
                                                     Contexts& contexts);

/// NAME.dockerignore beside the Dockerfile, else the context's.
[[nodiscard]] dockerfile::IgnoreRules read_ignore_rules(const Contexts::Place& place, const DockerfileText& file,
                                                        Diagnostics& diagnostics);

}  // namespace berth::cli
