import Foundation
import ServiceKit
import Transport

/// What happens to a device and when: commands of the console, each with its time.
struct Scenario: Sendable {
    private struct Step: Sendable {
        /// Since the scenario began.
        var at: Duration
        var words: [String]
    }
    private var steps: [Step] = []
    private var isRepeated = false

    init(path: String) throws(UsageError) {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 20 else {
            throw UsageError("--scenario: cannot read \(path), or it has more than 1 MiB")
        }
        try self.init(String(decoding: data, as: UTF8.self), path)
    }

    /// Takes the lines of a file; `#` begins a comment.
    init(_ text: String, _ path: String) throws(UsageError) {
        for (number, line) in text.split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() {
            let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            guard let first = words.first else { continue }
            let place = "\(path):\(number + 1)"
            if isRepeated { throw UsageError("\(place): nothing may stand behind `repeat`") }
            guard let seconds = Double(first), 0...1e9 ~= seconds, words.count > 1 else {
                throw UsageError("\(place): wanted are SECONDS and a command")
            }
            let at = Duration.milliseconds(Int64(seconds * 1000))
            if let last = steps.last, last.at > at {
                throw UsageError("\(place): \(first) lies before the line above")
            }
            if words[1] == "fault", words.count == 3 { _ = try Fault(words[2]) }
            isRepeated = words[1] == "repeat"
            if isRepeated, at == .zero { throw UsageError("\(place): it would never rest") }
            steps.append(Step(at: at, words: Array(words.dropFirst())))
        }
    }

    /// Runs until its end, or for ever, or until the task is cancelled.
    func run(_ console: Console, on loop: EventLoop) async {
        repeat {
            var passed = Duration.zero
            for step in steps {
                guard (try? await loop.sleep(for: step.at - passed)) != nil else { return }
                passed = step.at
                if step.words == ["repeat"] { continue }
                Terminal.print(console.answer(step.words) + "\n")
            }
        } while isRepeated && !Task.isCancelled
    }
}
