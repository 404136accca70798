import SQLite

/// Copies a location's store into a file, whether the service runs or not.
enum StoreBackup {
    /// Makes the copy and proves it; what stands at `target` is refused.
    ///
    /// To use it, stop the service, put it in the store's place under the store's name and remove
    /// the files `-wal` and `-shm` beside it: the log then gets a new id, and the gateways recognise
    /// what they have.
    ///
    /// - Parameter progress: Told how many parts of 100 are done, whenever that changes.
    static func make(
        of store: String, to target: String, progress: (Int) -> Void
    ) throws(StoreError) {
        do throws(SQLiteError) {
            var options = Database.Options()
            options.isReadOnly = true
            // The copy is looked through, which finds what is wrong with the original.
            options.checksIntegrity = false
            var shown = -1
            try Database(path: store, options: options).backUp(to: target) { done, total in
                let percent = total == 0 ? 100 : done * 100 / total
                if percent != shown { progress(percent) }
                shown = percent
            }
        } catch {
            throw StoreError(error)
        }
    }
}
