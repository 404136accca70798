import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport

@testable import ctl

/// Commands against a gateway over TLS.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct CommandTests {
    private func page(
        _ numbers: ClosedRange<UInt64>, cursor: String, hasMore: Bool = false,
        complete: Bool = true
    ) throws -> PunchPage {
        PunchPage(
            data: try numbers.map {
                try Sample.punch(
                    $0, "cairo", "\($0)", "2026-03-01T08:00:00", 0, "2026-03-01T06:00:00Z")
            }, nextCursor: cursor, hasMore: hasMore, complete: complete, asOf: noon,
            sources: try Sample.sources(complete: complete))
    }

    private func users(_ output: String) -> [String] {
        output.split(separator: "\n").map { line in
            String(line.split(separator: ",")[3])
        }
    }

    private let bare = ["-o", "csv", "--no-headers"]

    @Test func `all pages are fetched with the cursor of the one before`() async throws {
        var script = try Sample.script()
        script.pages = [
            try page(1...3, cursor: "1", hasMore: true),
            try page(4...6, cursor: "2", hasMore: true),
            try page(7...8, cursor: "3"),
        ]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let csv = try await gateway.run(["punch", "list", "--all"] + bare)
        #expect(users(csv.output) == (1...8).map(String.init))
        #expect(gateway.fleet.queries.map(\.cursor) == ["", "1", "2"])
        #expect(gateway.fleet.queries.allSatisfy { $0.limit == 1000 })
        let json = try await gateway.run(["punch", "list", "--all", "-o", "json"])
        #expect(json.output.contains(#""next_cursor":"3","has_more":false,"complete":true"#))
        let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        let data = try #require((document as? [String: Any])?["data"] as? [[String: Any]])
        #expect(data.compactMap { $0["sequence"] as? String } == (1...8).map(String.init))
    }

    @Test func `a limit ends the list, which says how to go on`() async throws {
        var script = try Sample.script()
        script.pages = [try page(1...3, cursor: "1", hasMore: true)]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["punch", "list", "--limit", "3"] + bare)
        #expect(users(run.output) == ["1", "2", "3"])
        #expect(run.errors == "note: there are more: --all, or go on with --cursor 1\n")
        #expect(gateway.fleet.queries.map(\.limit) == [3])
    }

    @Test func `filters reach the gateway, with bounds as instants`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        _ = try await gateway.run([
            "punch", "list", "--location", "cairo", "--device=CK1", "--user", "12", "--user", "13",
            "--from", "yesterday", "--to", "2026-03-01T12:00:00+02:00", "-o", "json",
        ])
        let query = try #require(gateway.fleet.queries.first)
        #expect(query.location == ["cairo"])
        #expect(query.device == ["CK1"])
        #expect(query.user == ["12", "13"])
        #expect(query.from?.description == "2026-02-27T22:00:00Z")
        #expect(query.to?.description == "2026-03-01T10:00:00Z")
    }

    @Test func `a past range that a dead location covers warns of nobody else`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script(complete: false)))
        let run = try await gateway.run(
            ["punch", "list", "--to", "2026-03-01T13:00:00Z", "--utc", "-o", "csv"])
        #expect(
            run.errors == """
                warning: riyadh is unreachable: complete through 2026-03-01 12:55:00Z (5h05m ago)
                warning: the answer is incomplete: 1 of 2 locations lack data

                """)
        #expect(run.exitCode == .incomplete)
    }

    // MARK: Tail

    @Test func `a tail goes on behind its cursor when its link breaks`() async throws {
        var script = try Sample.script()
        script.tails = [
            [try page(1...2, cursor: "a")], [try page(3...3, cursor: "b")],
            [try page(4...6, cursor: "c")],
        ]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["punch", "tail", "--limit", "5", "--user", "1"] + bare)
        #expect(users(run.output) == ["1", "2", "3", "4", "5"])
        #expect(gateway.fleet.queries.map(\.cursor) == ["", "a", "b"])
        #expect(gateway.fleet.queries.allSatisfy { $0.user == ["1"] })
        #expect(
            run.errors == """
                note: draining; reconnecting
                note: connected again
                note: draining; reconnecting
                note: connected again

                """)
        #expect(run.exitCode == .ok)
    }

    @Test func `a tail survives the loss of its connection`() async throws {
        var script = try Sample.script()
        script.tails = [[try page(1...1, cursor: "a")], [try page(2...2, cursor: "b")]]
        script.drainsTails = false
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let screen = Screen { output in if output.contains(",1,,") { gateway.cut() } }
        let run = try await gateway.run(
            ["punch", "tail", "--limit", "2"] + bare, screen: screen)
        #expect(users(run.output) == ["1", "2"])
        #expect(run.exitCode == .ok)
    }

    @Test func `a tail shows lines as JSON objects and a table with titles`() async throws {
        var script = try Sample.script()
        script.tails = [[try page(1...2, cursor: "a")], []]
        var gateway = try await ScriptedGateway(ScriptedFleet(script))
        let json = try await gateway.run(["punch", "tail", "--limit", "2", "-o", "json"])
        let lines = json.output.split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            #expect((object as? [String: Any])?["location"] as? String == "cairo")
        }
        gateway = try await ScriptedGateway(ScriptedFleet(script))
        let table = try await gateway.run(["punch", "tail", "--limit", "2"])
        #expect(
            table.output == """
                TIME                        LOCATION      DEVICE          USER      STATE         SOURCE
                2026-03-01 08:00:00 +02:00  cairo         cairo-1         1         check in      poll
                2026-03-01 08:00:00 +02:00  cairo         cairo-1         2         check in      poll

                """)
    }

    @Test func `a tail says when a location goes missing and when it is back`() async throws {
        var script = try Sample.script()
        script.tails = [
            [
                try page(1...1, cursor: "a", complete: false),
                try page(2...2, cursor: "b", complete: false), try page(3...4, cursor: "c"),
            ], [],
        ]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(["punch", "tail", "--limit", "4"] + bare)
        #expect(users(run.output) == ["1", "2", "3", "4"])
        #expect(
            run.errors == """
                warning: riyadh is unreachable: complete through 2026-03-01 15:55:00 +03:00 (5h05m ago)
                note: riyadh is linked again

                """)
    }

    @Test func `an interrupted tail says how to go on and exits with 130`() async throws {
        var script = try Sample.script()
        script.tails = [[try page(1...2, cursor: "a")]]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let shown = AsyncStream.makeStream(of: Void.self)
        let screen = Screen { output in if output.contains(",2,,") { shown.continuation.yield() } }
        let running = Task {
            try await gateway.run(["punch", "tail"] + bare, screen: screen)
        }
        for await _ in shown.stream { break }
        running.cancel()
        let run = try await running.value
        #expect(run.exitCode == .interrupted)
        #expect(users(run.output) == ["1", "2"])
        #expect(run.errors.hasPrefix("note: go on from here with --cursor "))
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test func `a tail that is not allowed ends`() async throws {
        var script = try Sample.script()
        script.tails = [[]]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        gateway.fleet.script.withLock {
            $0.failure = RPCError(.failedPrecondition, "the cursor belongs to another store")
        }
        let run = try await gateway.run(["punch", "tail", "--utc"])
        #expect(run.exitCode == .conflict)
        #expect(
            run.errors == """
                ctl: following punches: the gateway at \(gateway.address) says: the cursor belongs to another store

                """)
    }

    @Test func `a reader that goes away ends the list without a word`() async throws {
        var script = try Sample.script()
        script.pages = [try page(1...3, cursor: "1", hasMore: true), try page(4...6, cursor: "2")]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let run = try await gateway.run(
            ["punch", "list", "--all"] + bare, screen: Screen(outputMax: 1))
        #expect(run.errors == "")
        #expect(run.exitCode == .ok)
    }

    // MARK: Keys

    @Test func `the secret of a new key is all that goes to standard output`() async throws {
        let gateway = try await ScriptedGateway(ScriptedFleet(try Sample.script()))
        let run = try await gateway.run(["key", "create", "dashboard"])
        #expect(run.output == "zkk_3f9c2ab1_secret\n")
        #expect(run.errors.hasPrefix("API key 3f9c2ab1 `dashboard` is made."))
        #expect(!run.errors.contains("secret\n"))
        let json = try await gateway.run(["key", "create", "dashboard", "-o", "json", "-q"])
        #expect(
            json.output == """
                {"data":{"key":{"id":"3f9c2ab1","name":"dashboard",\
                "created_at":"2026-03-01T18:00:00Z",\
                "created_by":"spiffe://biometricflow/ctl/alice","revoked_at":null,\
                "last_used_at":null},"token":"zkk_3f9c2ab1_secret"}}

                """)
        #expect(json.errors == "")
    }

    @Test func `keys are listed and revoked by id`() async throws {
        var script = try Sample.script()
        script.keys = [
            KeyInfo(
                id: "3f9c2ab1", name: "dashboard", createdAt: noon, createdBy: "spiffe://b/ctl/a"),
            KeyInfo(
                id: "77", name: "old", createdAt: noon, createdBy: "spiffe://b/ctl/a",
                revokedAt: noon, lastUsedAt: noon),
        ]
        let gateway = try await ScriptedGateway(ScriptedFleet(script))
        let list = try await gateway.run(["key", "list"])
        #expect(
            list.output == """
                ID        NAME       STATE                         CREATED               CREATED BY        LAST USED
                3f9c2ab1  dashboard  active                        2026-03-01 18:00:00Z  spiffe://b/ctl/a  -
                77        old        revoked 2026-03-01 18:00:00Z  2026-03-01 18:00:00Z  spiffe://b/ctl/a  2026-03-01 18:00:00Z

                """)
        let revoked = try await gateway.run(["key", "revoke", "3f9c2ab1"])
        #expect(revoked.output == "")
        #expect(revoked.errors == "API key 3f9c2ab1 `dashboard` is revoked.\n")
        let unknown = try await gateway.run(["key", "revoke", "nope"])
        #expect(unknown.exitCode == .notFound)
        #expect(
            unknown.errors == """
                ctl: revoking API key nope: the gateway at \(gateway.address) says: no API key has the id nope

                """)
    }
}
