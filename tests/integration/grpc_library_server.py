"""The same services as grpc_server.py, from gRPC's own library: python3 grpc_library_server.py PORT"""

import sys
from concurrent import futures

import grpc

STATUS = {b"": 1, b"shop.Cart": 1, b"shop.Slow": 2}


def check(request, context):
    """Messages as bytes: field 1 of the request is the name, field 1 of the answer the status."""
    service = request[2:]
    if service not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return bytes([8, STATUS[service]])


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods),))
    server.add_insecure_port("127.0.0.1:" + sys.argv[1])
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
