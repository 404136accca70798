/// The candidate that `word` was probably meant to be; nil when none is near.
public func closest(to word: String, in candidates: [String]) -> String? {
    let limit = max(2, word.count / 3)
    let ranked = candidates.map { (distance: distance(word, $0), word: $0) }
        .filter { $0.distance <= limit && $0.distance < max(word.count, $0.word.count) }
    return ranked.min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// How many letters must be changed, added, removed or swapped, without regard to case.
private func distance(_ left: String, _ right: String) -> Int {
    // Texts from outside may be long, and the work grows with the product.
    let left = Array(left.lowercased().prefix(64))
    let right = Array(right.lowercased().prefix(64))
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1] + [Int](repeating: 0, count: right.count)
        for column in right.indices {
            let change = left[row] == right[column] ? 0 : 1
            var best = min(last[column] + change, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current[column + 1] = best
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
