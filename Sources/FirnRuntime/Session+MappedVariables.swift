import FirnCompiler
import FirnFiles
import FirnGraph

extension Session {
  /// Gives back the memory of variables that lie in a mapped file, and that only the bound program has read.
  ///
  /// A step reads what was made of them, and the file still holds them.
  func letGoOfMappedVariables(read bound: BoundProgram, not plan: Plan) {
    var kept: Set<String> = []
    for case .variable(let name) in plan.placements { kept.insert(name) }
    for position in Set(bound.cells.flatMap(\.variables)).sorted() {
      let entry = store.entries[position]
      if let storage = entry.storage, !storage.isWritable, !kept.contains(entry.variable.name) {
        MappedFile.letGo(storage)
      }
    }
  }
}
