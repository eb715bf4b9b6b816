#include "cli/examples.h"

#include <string_view>

namespace berth::cli {
namespace {

struct ExampleRow {
  std::string_view path;
  Example example;
};

constexpr ExampleRow kExamples[] = {
    {"berth up", {"berth up -d --wait", "start everything, and return when it is running and healthy"}},
    {"berth up", {"berth up --build web", "build web's image again and start web with what it needs"}},
    {"berth up", {"berth up -d --wait --trace -", "show where the time of the start went"}},
    {"berth down", {"berth down", "remove containers and networks; volumes stay"}},
    {"berth down", {"berth down -v", "remove volumes too, with all that is in them"}},
    {"berth create", {"berth create --scale web=3", "make containers without starting them"}},
    {"berth scale", {"berth scale web=3 worker=5", "so many containers of these services"}},
    {"berth plan", {"berth plan", "what `up` would do now, and why"}},
    {"berth plan", {"berth plan --format json web", "the same for programs, of web and what it needs"}},
    {"berth watch", {"berth watch web", "keep web's container up with the files of the host"}},
    {"berth ps", {"berth ps -a", "all containers of the project, stopped ones as well"}},
    {"berth ps", {"berth ps --format json web", "for programs"}},
    {"berth logs", {"berth logs -f --tail 20 web", "the last lines of web, and what comes"}},
    {"berth logs", {"berth logs --since 10m", "of all services, the last ten minutes"}},
    {"berth exec", {"berth exec web sh", "a shell in web's container"}},
    {"berth exec", {"berth exec -T db pg_dump -U app app", "without a terminal, for scripts and pipes"}},
    {"berth run", {"berth run --rm web python3 manage.py migrate", "one command in a container of its own"}},
    {"berth run", {"berth run --rm --service-ports web", "with the service's published ports"}},
    {"berth start", {"berth start", "stopped containers, in the order of their dependencies"}},
    {"berth stop", {"berth stop -t 3 web", "web, which gets three seconds to end"}},
    {"berth restart", {"berth restart web", "web, and what asks to be restarted with it"}},
    {"berth pause", {"berth pause worker", "worker's processes stand still"}},
    {"berth unpause", {"berth unpause worker", "and go on"}},
    {"berth attach", {"berth attach --no-stdin web", "look at web's output; Ctrl-P Ctrl-Q leaves"}},
    {"berth port", {"berth port web 80", "where port 80 of web is on the host"}},
    {"berth top", {"berth top", "processes of all services"}},
    {"berth stats", {"berth stats --no-stream", "one reading of processor, memory and network"}},
    {"berth wait", {"berth wait migrate", "until migrate has ended; its exit code"}},
    {"berth kill", {"berth kill -s HUP web", "send web a signal"}},
    {"berth rm", {"berth rm -fs worker", "stop and remove worker's containers without asking"}},
    {"berth events", {"berth events --json", "what happens to containers from now on, a line each"}},
    {"berth config", {"berth config", "the project with everything put in"}},
    {"berth config", {"berth config --explain services.web.image", "where a value came from and what it overrode"}},
    {"berth config", {"berth config --services", "names of the services"}},
    {"berth lint", {"berth lint", "traps in the compose files"}},
    {"berth graph", {"berth graph", "services and what they need, as a tree"}},
    {"berth graph", {"berth graph --format svg -o stack.svg", "as a picture"}},
    {"berth graph", {"berth graph --format mermaid web", "for a README, of web and what it needs"}},
    {"berth doctor", {"berth doctor", "what belongs to berth on this machine, and what has no owner"}},
    {"berth doctor", {"berth doctor --fix", "remove what has no owner"}},
    {"berth build", {"berth build --no-cache web", "build web's image, every step anew"}},
    {"berth pull", {"berth pull", "all images of the project"}},
    {"berth push", {"berth push web", "the image that web builds, to its registry"}},
    {"berth images", {"berth images", "which images the containers have"}},
    {"berth version", {"berth version --short", "the number alone"}},
    {"berth builder prune", {"berth builder prune -f", "remove what builds have left in the cache"}},
    {"berth container attach", {"berth container attach shop-web-1", "look at its output"}},
    {"berth container commit", {"berth container commit shop-web-1 web:fixed", "an image of what is in it now"}},
    {"berth container cp", {"berth container cp shop-db-1:/etc/hosts .", "a file out of it"}},
    {"berth container create", {"berth container create --name box alpine", "made, not started"}},
    {"berth container diff", {"berth container diff shop-web-1", "what has changed in its file system"}},
    {"berth container exec", {"berth container exec -it shop-web-1 sh", "a shell in it"}},
    {"berth container export", {"berth container export -o web.tar shop-web-1", "its files as an archive"}},
    {"berth container inspect", {"berth container inspect shop-web-1", "everything about it, in Docker's JSON"}},
    {"berth container kill", {"berth container kill -s HUP shop-web-1", "send it a signal"}},
    {"berth container logs", {"berth container logs -f shop-web-1", "its output, and what comes"}},
    {"berth container ls", {"berth container ls -a", "all containers of all projects"}},
    {"berth container pause", {"berth container pause shop-web-1", "its processes stand still"}},
    {"berth container port", {"berth container port shop-web-1", "its published ports"}},
    {"berth container prune", {"berth container prune -f", "remove all stopped containers"}},
    {"berth container rename", {"berth container rename box chest", "give it another name"}},
    {"berth container restart", {"berth container restart shop-web-1", "stop it and start it"}},
    {"berth container rm", {"berth container rm -f box", "remove it, running or not"}},
    {"berth container run", {"berth container run --rm -it alpine sh", "a container of no project"}},
    {"berth container start", {"berth container start box", "start it again"}},
    {"berth container stats", {"berth container stats --no-stream", "one reading of all that run"}},
    {"berth container stop", {"berth container stop box", "its stop signal, the grace period, then SIGKILL"}},
    {"berth container top", {"berth container top shop-web-1", "its processes"}},
    {"berth container unpause", {"berth container unpause shop-web-1", "they go on"}},
    {"berth container wait", {"berth container wait box", "until it has ended; prints its exit code"}},
    {"berth import", {"berth import rootfs.tar base:1", "a root file system as an image"}},
    {"berth load", {"berth load -i app.tar", "what `docker save` or skopeo wrote"}},
    {"berth save", {"berth save -o app.tar app:1", "an image as an archive that `docker load` reads"}},
    {"berth export", {"berth export -o web.tar web", "the files of web's container"}},
    {"berth commit", {"berth commit web web:fixed", "an image of what is in web's container now"}},
    {"berth cp", {"berth cp web:/var/log/app.log .", "out of web's container"}},
    {"berth cp", {"berth cp seed.sql db:/tmp/", "into db's"}},
    {"berth tag", {"berth tag app:1 registry.example/app:1", "another name for an image"}},
    {"berth rmi", {"berth rmi app:1", "remove an image"}},
    {"berth history", {"berth history app:1", "the layers of an image, and what made them"}},
    {"berth image import", {"berth image import rootfs.tar base:1", "a root file system as an image"}},
    {"berth image load", {"berth image load -i app.tar", "what `docker save` or skopeo wrote"}},
    {"berth image save", {"berth image save -o app.tar app:1", "an image as an archive"}},
    {"berth image pull", {"berth image pull postgres:16-alpine", "from its registry"}},
    {"berth image push", {"berth image push registry.example/app:1", "to its registry"}},
    {"berth image build", {"berth image build -t app:1 .", "from the Dockerfile here"}},
    {"berth image ls", {"berth image ls --digests", "what is in the store"}},
    {"berth image inspect", {"berth image inspect app:1", "its configuration, in Docker's JSON"}},
    {"berth image history", {"berth image history app:1", "its layers, and what made them"}},
    {"berth image prune", {"berth image prune -a", "remove what no container uses"}},
    {"berth image rm", {"berth image rm app:1", "remove an image"}},
    {"berth image tag", {"berth image tag app:1 app:stable", "another name"}},
    {"berth network connect",
     {"berth network connect --alias api shop_back box", "a running container gets it at once"}},
    {"berth network disconnect", {"berth network disconnect shop_back box", "and loses it"}},
    {"berth network create",
     {"berth network create --subnet 10.9.0.0/24 lab", "one that projects can use as external"}},
    {"berth network inspect", {"berth network inspect shop_default", "its addresses and who is on it"}},
    {"berth network ls", {"berth network ls", "networks of all projects"}},
    {"berth network prune", {"berth network prune -f", "remove those that nobody uses"}},
    {"berth network rm", {"berth network rm lab", "remove one"}},
    {"berth system df", {"berth system df -v", "what images, containers and volumes take on the disk"}},
    {"berth system events", {"berth system events --since 10m", "what has happened, and what happens"}},
    {"berth system info", {"berth system info", "this machine, and berth on it"}},
    {"berth system prune", {"berth system prune --volumes", "remove all that is not in use"}},
    {"berth system install-unit", {"berth system install-unit", "start what has a restart policy after a reboot"}},
    {"berth info", {"berth info", "this machine, and berth on it"}},
    {"berth login", {"berth login -u ann registry.example", "asks for the password"}},
    {"berth logout", {"berth logout registry.example", "forget the login"}},
    {"berth oci create", {"berth oci create --bundle /run/b box", "a container of an OCI bundle, not started"}},
    {"berth oci start", {"berth oci start box", "start it"}},
    {"berth oci run", {"berth oci run --bundle /run/b box", "both, and wait for it"}},
    {"berth oci exec", {"berth oci exec box ls /", "a command in it"}},
    {"berth oci state", {"berth oci state box", "what it does, as JSON"}},
    {"berth oci kill", {"berth oci kill box TERM", "send it a signal"}},
    {"berth oci delete", {"berth oci delete --force box", "remove it, running or not"}},
    {"berth oci list", {"berth oci list", "all that this runtime has made"}},
    {"berth oci ps", {"berth oci ps box", "its processes"}},
    {"berth oci pause", {"berth oci pause box", "they stand still"}},
    {"berth oci resume", {"berth oci resume box", "they go on"}},
    {"berth oci update", {"berth oci update --memory 268435456 box", "change its limits"}},
    {"berth oci features", {"berth oci features", "what the runtime can do, as JSON"}},
    {"berth oci spec", {"berth oci spec", "a config.json to begin with"}},
    {"berth completion", {"berth completion bash > /etc/bash_completion.d/berth", "for every new shell"}},
    {"berth completion", {"berth completion fish | source", "for this shell"}},
    {"berth inspect", {"berth inspect shop-web-1", "everything about it, in Docker's JSON"}},
    {"berth inspect", {"berth inspect -f '{{.State.Status}}' shop-web-1", "a part of it"}},
    {"berth ls", {"berth ls -a", "projects on this machine"}},
    {"berth volume create", {"berth volume create --label backup=daily data", "one that projects can use as external"}},
    {"berth volume inspect", {"berth volume inspect shop_data", "where it is, and its driver"}},
    {"berth volume ls", {"berth volume ls -q", "names of all volumes"}},
    {"berth volume prune", {"berth volume prune -a", "remove those that no container has, named ones too"}},
    {"berth volume rm", {"berth volume rm shop_data", "with all that is in it"}},
    {"berth volumes", {"berth volumes", "volumes of the project"}},
};

}  // namespace

std::vector<Example> examples_of(const std::string& path) {
  std::vector<Example> found;
  for (const ExampleRow& row : kExamples) {
    if (row.path == path) found.push_back(row.example);
  }
  return found;
}

std::string examples_text(const std::string& path) {
  std::string text;
  for (const Example& example : examples_of(path))
    text += std::string(text.empty() ? "Examples:\n" : "") + "  " + example.line + "\n      " + example.meaning + "\n";
  return text;
}

}  // namespace berth::cli
