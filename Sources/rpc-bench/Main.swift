import CLinux
import Glibc
import Transport

/// Measures the RPC runtime, and the ZK client, beside their peers.
@main enum Program {
    static let usage = """
        rpc-bench: measures the RPC runtime over mutual TLS 1.3

        usage: rpc-bench server --port P --certs DIR [--threads N] [limits]
               rpc-bench client --port P --certs DIR --workload W [options]
               rpc-bench check --port P --certs DIR
               rpc-bench zk-download --device HOST:PORT [options]

        The server prints READY when it listens and runs until it is killed. The client prints
        one line of JSON. `check` calls every kind of method from tasks that prefer no event
        loop, and ends with 0 when all are answered in order. DIR holds ca.pem, server.pem, server.key, client.pem and client.key.

        workloads:
          A  100 B, 1 connection, 1 call at a time     B  the same, 64 calls at a time
          C  100 B, 8 connections, 32 calls each       D  64 KiB, 1 connection, 8 calls
          E  one call that streams 100 B messages      F  connection set-ups, one at a time
          G  memory of idle connections                H  small calls beside 64 MiB echoes

        limits of the server:
          --frame B --message B --reassembly B    bytes of a frame, a message, all incomplete ones
          --window B --connection-window B        credit of a stream, of a connection
          --streams N                             calls at once

        client options:
          --host H --peer NAME --server-pid PID   whom to call; whose CPU and memory to read
          --warm S --secs S                       seconds before and of the measurement
          --payload B --conns N --outstanding N   in place of the workload's own
          --count N                               messages (E), connections (G), bytes (H)
          --threads N                             event loops
          --resume N                              of the server: tickets per handshake;
                                                  of the client: resume with them (F)
        """

    static func main() async {
        CLinux_flush_lines()
        ProcessMemory.keepFreed(256 << 20)
        var arguments = Array(CommandLine.arguments.dropFirst())
        guard let command = arguments.first else { return fail(usage) }
        arguments.removeFirst()
        if command == "--help" || command == "-h" || arguments.contains("--help") {
            print(usage)
            return
        }
        do {
            switch command {
            case "server": try await BenchServer.run(try BenchOptions(arguments))
            case "client": try await BenchClient(try BenchOptions(arguments)).run()
            case "check": try await CallerCheck.run(try BenchOptions(arguments))
            case "zk-download": exit(await ZKDownload.run(arguments))
            default: fail("rpc-bench: no command '\(command)'; see rpc-bench --help")
            }
        } catch let error as BenchOptions.Mistake {
            fail("rpc-bench: \(error.message)")
        } catch {
            print("rpc-bench: \(error)")
            exit(1)
        }
    }

    private static func fail(_ text: String) {
        StandardError.write(line: text)
        exit(2)
    }
}
