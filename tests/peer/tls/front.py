#!/usr/bin/env python3
"""A TLS front for tests: makes a CA and certificates, then passes what comes over TLS on
to a plain port on loopback.

    front.py FOLDER BACKEND_PORT

FOLDER (which exists) gets ca.pem. One line goes to standard output: the ports of five
listeners, "good wrongname expired stalled mutual": certificates for localhost and
127.0.0.1, for another name, one out of date, a listener that accepts and says nothing, and
one that wants a certificate of the client, and hangs up on others at once. Ends when
standard input ends.
"""
import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_ca(folder):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Test CA", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")
    with open(os.path.join(folder, "index.txt"), "w"):
        pass
    with open(os.path.join(folder, "ca.cnf"), "w") as out:
        out.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nrand_serial=yes\n"
                  "new_certs_dir=.\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n"
                  "unique_subject=no\n[p]\ncommonName=supplied\n")


def make_cert(folder, name, san, start, end):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name,
            "-addext", "subjectAltName=" + san)
    openssl(folder, "ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile",
            "ca.key", "-in", name + ".csr", "-out", name + ".pem", "-startdate", start,
            "-enddate", end, "-notext")


async def pump(source, sink):
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    sink.close()


def listen_mutual(context):
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            sock = listener.accept()[0]
            try:
                context.wrap_socket(sock, server_side=True).close()
            except OSError:
                sock.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


async def listen(context, backend):
    async def pass_on(reader, writer):
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", backend)
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    async def hold(reader, writer):
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(pass_on if context else hold, "127.0.0.1", 0,
                                        ssl=context)
    return server, server.sockets[0].getsockname()[1]


def context_of(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, name + ".pem"),
                            os.path.join(folder, name + ".key"))
    return context


async def main():
    folder, backend = sys.argv[1], int(sys.argv[2])
    make_ca(folder)
    start, end = "20200101000000Z", "20450101000000Z"
    make_cert(folder, "good", "DNS:localhost,IP:127.0.0.1", start, end)
    make_cert(folder, "wrongname", "DNS:elsewhere.example", start, end)
    make_cert(folder, "expired", "DNS:localhost,IP:127.0.0.1", start, "20210101000000Z")
    contexts = [context_of(folder, name) for name in ("good", "wrongname", "expired")]
    servers = [await listen(context, backend) for context in (*contexts, None)]
    mutual = context_of(folder, "good")
    mutual.verify_mode = ssl.CERT_REQUIRED
    mutual.load_verify_locations(os.path.join(folder, "ca.pem"))
    print(*(port for _, port in servers), listen_mutual(mutual), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
