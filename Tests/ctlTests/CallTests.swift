import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing

@testable import ctl

/// `ctl service` and `ctl call`: schemas that ctl learns from the server.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct CallTests {
    private func run(
        _ arguments: [String], input: String = "", script: ScriptedFleet.Script = .init()
    ) async throws -> Run {
        try await ScriptedGateway(ScriptedFleet(script)).run(arguments, input: input)
    }

    @Test func `services and methods are listed`() async throws {
        let table = try await run(["service", "list"])
        #expect(table.exitCode == .ok && table.errors == "")
        #expect(table.output.contains("biometricflow.v1.Fleet/tailPunches"))
        let csv = try await run(["service", "list", "-o", "csv"])
        #expect(csv.output.contains("biometricflow.v1.Fleet/listLocations,unary,5000,ctl edge\n"))
        #expect(csv.output.contains("Fleet/tailPunches,server_streaming,,ctl edge\n"))
        let json = try await run(["service", "list", "-o", "json"])
        #expect(json.output.contains("\"name\":\"mesh.reflection.v1.Reflection/list\""))
    }

    @Test func `a service is described as a schema says it`() async throws {
        let run = try await run(["service", "describe", "Fleet"])
        #expect(run.exitCode == .ok)
        for line in [
            "    listPunches(biometricflow.v1.PunchQuery) -> biometricflow.v1.PunchPage "
                + "{ deadline 10s, role ctl, edge }",
            "    from: timestamp? = 4", "    location: list<string> = 1",
            "enum biometricflow.v1.LinkState {", "    LINK_STATE_LINKED = 1",
        ] { #expect(run.output.split(separator: "\n").contains(line[...]), "\(line)") }
        let missing = try await self.run(["service", "describe", "Fleed"])
        #expect(missing.exitCode == .notFound && missing.errors.contains("no service `Fleed`"))
    }

    @Test func `a method is called by its full and by its short name`() async throws {
        for name in ["biometricflow.v1.Fleet/listLocations", "Fleet/listLocations"] {
            var script = ScriptedFleet.Script()
            script.locations = LocationList(data: [
                LocationState(name: "cairo", state: .linked)
            ])
            let run = try await run(["call", name], script: script)
            #expect(run.exitCode == .ok && run.errors == "")
            #expect(run.output.hasPrefix("{\"data\":[{\"name\":\"cairo\""))
            #expect(run.output.contains("\"state\":\"LINK_STATE_LINKED\""))
        }
    }

    @Test func `the request is read from the command line and from standard input`() async throws {
        let request = #"{"name": "dash\u0062oard"}"#
        for (operand, input) in [(request, ""), ("-", request)] {
            let run = try await run(["call", "Fleet/createKey", operand], input: input)
            #expect(run.exitCode == .ok)
            #expect(run.output.contains("\"name\":\"dashboard\""))
        }
    }

    @Test func `answers of a stream come one a line`() async throws {
        let run = try await run(["call", "mesh.introspection.v1.Introspection/links", "{}"])
        #expect(run.exitCode == .ok)
        #expect(run.output.split(separator: "\n").count == 1)
        #expect(run.output.hasPrefix("{\"peer\":\"spiffe://biometricflow/ctl/alice\""))
    }

    /// Three payloads, the last of them empty.
    private static let payloads = "{\"data\":\"AQ==\"}\n\n{\"data\":\"AQID\"}\n{}\n"

    @Test func `a stream of requests has one on each line`() async throws {
        let run = try await run(["call", "Echo/upload", "-"], input: Self.payloads)
        #expect(run.exitCode == .ok && run.errors == "")
        #expect(run.output == "{\"count\":\"3\",\"size\":3}\n")
        let empty = try await self.run(["call", "Echo/upload", "-"])
        #expect(empty.output == "{}\n")
    }

    @Test func `streams go both ways at once`() async throws {
        let run = try await run(["call", "Echo/chat", "-"], input: Self.payloads)
        #expect(run.exitCode == .ok && run.errors == "")
        #expect(run.output == "{\"data\":\"AQ==\"}\n{\"data\":\"AQID\"}\n{}\n")
        // More than the windows of both ends hold.
        let line = "{\"data\":\"\(String(repeating: "A", count: 40_000))\"}\n"
        let many = String(repeating: line, count: 100)
        let large = try await self.run(["call", "Echo/chat", "-"], input: many)
        #expect(large.exitCode == .ok && large.output == many)
    }

    @Test func `a mistake in a stream of requests names its line`() async throws {
        let run = try await run(["call", "Echo/upload", "-"], input: "{}\n{\"data\":1}\n")
        #expect(run.exitCode == .usage && run.output == "")
        #expect(run.errors.contains("message 2: /data: expected a string, not a number"))
    }

    @Test func `metadata goes before the request`() async throws {
        let run = try await run(["call", "Echo/echo", "{}", "--metadata", "fail=yes"])
        #expect(run.exitCode == .conflict && run.errors.contains("the caller wants it so"))
    }

    static let refused: [([String], Terminal.ExitCode, String)] = [
        (["Fleet/createKey", "{\"nam\":\"x\"}"], .usage, "/nam: no field is called \"nam\""),
        (["Fleet/createKey", "{\"name\":1}"], .usage, "/name: expected a string, not a number"),
        (["Fleet/createKey", "{"], .usage, "the bytes end before the value does"),
        (["Fleet/creatKey"], .notFound, "did you mean `Fleet/createKey`?"),
        (["Nothing/at"], .notFound, "no method `Nothing/at`"),
        (["Fleet/listLocations", "--metadata", "x"], .usage, "wanted is KEY=VALUE"),
    ]

    @Test(arguments: refused)
    func `a mistake names its place`(
        _ arguments: [String], _ code: Terminal.ExitCode, _ text: String
    ) async throws {
        let run = try await run(["call"] + arguments)
        #expect(run.exitCode == code && run.output == "")
        #expect(run.errors.contains(text), "\(run.errors)")
    }

    @Test func `a failed call has the exit code of its status`() async throws {
        var script = ScriptedFleet.Script()
        script.failure = RPCError(.notFound, "no such page")
        let run = try await run(["call", "Fleet/listLocations"], script: script)
        #expect(run.exitCode == .notFound && run.errors.contains("no such page"))
    }

    @Test func `words are completed, and methods from the server`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(.init()))
        let environment = try gateway.environment
        func complete(_ words: String...) async -> [String] {
            await runCtl(["complete", "--"] + words, environment: environment).output
                .split(separator: "\n").map(String.init)
        }
        #expect(await complete("se") == ["service"])
        #expect(await complete("service", "") == ["describe", "list"])
        #expect(await complete("call", "--def") == ["--defaults"])
        #expect(await complete("punch", "list", "-o", "j") == ["json"])
        #expect(
            await complete("call", "biometricflow.v1.Fleet/listP") == [
                "biometricflow.v1.Fleet/listPunches"
            ])
        #expect(
            await complete("service", "describe", "mesh.i") == [
                "mesh.introspection.v1.Introspection"
            ])
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `each shell has its script`(_ shell: String) async {
        let run = await runCtl(["completion", shell])
        #expect(run.exitCode == .ok && run.output.contains("ctl complete --"))
    }
}
