"""A compose file of any size, with what real files have: variables, ports, volumes, health checks, dependencies."""

HEAD = """x-common: &common
  restart: unless-stopped
  logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
services:
"""
SERVICE = """  service{n}:
    <<: *common
    image: registry.example.com/team/service{n}:${{TAG:-1.4.2}}
    command: ["serve", "--port", "8080", "--name", "service{n}"]
    environment:
      NAME: service{n}
      LOG_LEVEL: ${{LOG_LEVEL:-info}}
      DATABASE_URL: postgres://app:secret@service0:5432/db{n}
      CACHE_SIZE: 128
    labels:
      - com.example.team=team{team}
      - com.example.tier=backend
    ports:
      - "{port}:8080"
    volumes:
      - ./config/service{n}:/etc/service:ro
      - data{team}:/var/lib/service
    networks: [front, back]
    healthcheck:
      test: curl -f http://localhost:8080/health
      interval: 10s
      timeout: 3s
      retries: 5
{depends}"""


def text(services):
    parts = [HEAD]
    for n in range(services):
        depends = "" if n == 0 else f"    depends_on:\n      service{n // 2}: {{condition: service_started}}\n"
        parts.append(SERVICE.format(n=n, team=n % 20, port=10000 + n, depends=depends))
    parts.append("networks:\n  front:\n  back: {internal: true}\nvolumes:\n")
    parts += [f"  data{n}:\n" for n in range(min(20, services))]
    return "".join(parts)
