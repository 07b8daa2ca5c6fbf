extension Graph {
  /// A value fed at each run.
  ///
  /// - Parameters:
  ///   - name: below the current scope, made unique; `feeding:` names it by that, or by this tensor.
  ///   - shape: numbers and named dimensions; a name means the same extent wherever it stands, and is bound by the
  ///     first feed that mentions it.
  ///   - dtype: what is fed must have it; nothing is converted.
  public func placeholder(
    _ name: String, shape: Shape, dtype: DType = .f32, file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let location = CallSite(file, line)
    if parent != nil {
      return report(
        FirnError(
          .invalidGraph, "placeholder `\(name)` inside a loop body",
          remedy: "make placeholders outside; the body can use them"), location: location)
    }
    if !Path.isValid(name) {
      return report(
        FirnError(
          .invalidArgument, "placeholder name `\(name)` is not a path of letters, digits, `_`, `-` and `.`",
          remedy: "rename the placeholder"),
        location: location)
    }
    if let bad = shape.first(where: { ($0.value ?? 0) < 0 }) {
      return report(
        FirnError(
          .invalidArgument, "placeholder `\(name)` has extent \(bad)",
          remedy: "use a named dimension such as \"batch\" for an extent fixed later"), location: location)
    }
    if let bad = shape.flatMap(\.names).first(where: { !Dim.isName($0) }) {
      return report(
        FirnError(
          .invalidArgument, "placeholder `\(name)` has a dimension `\(bad)`",
          remedy: "name dimensions by a letter, then letters, digits and `_`"), location: location)
    }
    return append(Placeholder(type: TensorType(dtype, shape)), [], name: name, location: location)[0]
  }

  /// State that outlives a run, read as a tensor.
  ///
  /// Making a second variable of the same path is an error unless the scope is entered with `reuse: true`: then it is
  /// the same variable, whose type must agree, and one that does not exist is an error.
  ///
  /// - Parameters:
  ///   - shape: numbers only.
  ///   - role: what it is to its layer (`kernel`, `bias`, …); selections can ask for it.
  ///   - initializer: its first value; the scope's default, else Glorot uniform.
  ///   - trainable: false declares it frozen; inherited from the scope. True is an error for integers and `bool`.
  ///   - kind: `.state` for what the step itself writes.
  ///   - blocks: names of equal blocks along one axis, such as gates; selections can ask for them.
  public func variable(
    _ name: String, shape: Shape, dtype: DType? = nil, role: String = "", initializer: Initializer? = nil,
    trainable: Bool? = nil, kind: Variable.Kind = .parameter, blocks: BlockNames? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Tensor {
    let graph = current
    if trainable == true, kind == .parameter, let dtype = dtype ?? graph.defaults.dtype,
      !dtype.isFloatingPoint
    {
      return graph.report(
        FirnError(
          .invalidArgument, "variable `\(name)` of \(dtype) cannot be trainable: it has no gradient",
          remedy: "leave `trainable: true` out, or make it f32"), location: CallSite(file, line))
    }
    return graph.makeVariable(
      name, shape: shape, dtype: dtype, role: role, initializer: initializer, trainable: trainable,
      reuse: nil, kind: kind, blocks: blocks?.normalized(rank: shape.rank),
      location: graph.place(of: CallSite(file, line)) ?? CallSite(file, line))
  }

  /// Variables asked for in the body of a loop belong to the outermost graph; the scopes of the body come with them.
  private func makeVariable(
    _ name: String, shape: Shape, dtype: DType?, role: String, initializer: Initializer?, trainable: Bool?,
    reuse: Bool?, kind: Variable.Kind, blocks: BlockNames?, location: CallSite
  ) -> Tensor {
    let trainable =
      trainable == false || defaults.trainable == false ? false : trainable ?? defaults.trainable
    let reuse = reuse ?? defaults.reuse
    if let parent {
      return parent.makeVariable(
        Path.joined(scopePath, name), shape: shape, dtype: dtype ?? defaults.dtype, role: role,
        initializer: initializer ?? defaults.initializer, trainable: trainable, reuse: reuse, kind: kind,
        blocks: blocks, location: location)
    }
    let path = Path.joined(scopePath, name)
    let type = TensorType(dtype ?? defaults.dtype ?? .f32, shape)
    guard Path.isValid(name) else {
      return report(
        FirnError(
          .invalidArgument, "variable name `\(name)` is not a path of letters, digits, `_`, `-` and `.`",
          remedy: "rename the variable"),
        location: location)
    }
    if let fault = Self.depthFault(of: path, "variable") { return report(fault, location: location) }
    if let existing = variable(named: path) {
      return sharedVariable(
        existing, as: type, role: role, trainable: trainable, blocks: blocks, reuse: reuse, location: location
      )
    }
    if reuse == true {
      return report(
        FirnError(
          .unknownName, "there is no variable `\(path)` to share",
          remedy: NearestNames(to: path, among: variables.map(\.name)).question
            ?? "make it where the scope is entered without `reuse: true`", place: path), location: location)
    }
    guard shape.allSatisfy({ ($0.value ?? -1) >= 0 }) else {
      return report(
        FirnError(
          .invalidArgument, "variable `\(path)` has shape \(shape); a variable's extents are numbers",
          remedy: shape.extents == nil
            ? "named dimensions are for placeholders" : "give extents of 0 or more"), location: location)
    }
    if let fault = type.fault {
      return report(
        FirnError(
          .invalidArgument, "variable `\(path)` has shape \(shape), \(fault)",
          remedy: "check the extents"), location: location)
    }
    if let fault = blocks?.fault(in: shape) {
      return report(
        FirnError(
          .invalidArgument, "variable `\(path)`: \(fault)",
          remedy: "give names that differ, as many as divide the axis"), location: location)
    }
    let isTrainable = kind == .parameter && type.dtype.isFloatingPoint && trainable != false
    let wanted = initializer ?? defaults.initializer ?? .glorotUniform
    let resolved: Initializer
    do throws(FirnError) {
      let array = ArrayType(type.dtype, shape.extents ?? [])
      resolved = try wanted.resolved(for: array, blocks: blocks, name: path)
      try resolved.requireNumbers(name: path)
    } catch {
      return report(error, location: location)
    }
    let variable = Variable(
      name: path, type: type, kind: kind, role: role, initializer: resolved, isTrainable: isTrainable,
      isHeld: kind == .state && trainable == false, blocks: blocks, location: location)
    declare(variable)
    return read(variable, location: location)
  }

  /// Scopes of a body being built are part of the variable's name already.
  private func read(_ variable: Variable, location: CallSite) -> Tensor {
    let node = Node(
      op: ReadVariable(variable), inputs: [], types: [variable.type], name: variable.name, phase: phase,
      location: location)
    return Tensor(self, Value(adopt(node)))
  }

  private func sharedVariable(
    _ existing: Variable, as type: TensorType, role: String, trainable: Bool?, blocks: BlockNames?,
    reuse: Bool?, location: CallSite
  ) -> Tensor {
    guard reuse == true else {
      return report(
        FirnError(
          .duplicateName, "variable `\(existing.name)` exists already",
          remedy: "rename one, or enter the scope with `reuse: true` to share it", place: existing.name,
          operands: [
            .init(label: "first", name: existing.name, type: existing.type, location: existing.location)
          ]),
        location: location)
    }
    guard existing.type == type else {
      return report(
        FirnError(
          .shapeMismatch, "variable `\(existing.name)` is shared as \(type) but is \(existing.type)",
          remedy: "ask for the type it has", place: existing.name,
          operands: [
            .init(label: "first", name: existing.name, type: existing.type, location: existing.location)
          ]),
        location: location)
    }
    if !role.isEmpty, role != existing.role {
      return report(
        FirnError(
          .invalidArgument,
          "variable `\(existing.name)` is shared in the role `\(role)` but has the role `\(existing.role)`",
          remedy: "ask for the role it has", place: existing.name,
          operands: [
            .init(label: "first", name: existing.name, type: existing.type, location: existing.location)
          ]),
        location: location)
    }
    if let blocks, blocks != existing.blocks {
      return report(
        FirnError(
          .invalidArgument, "variable `\(existing.name)` is shared with other blocks than it has",
          remedy: "ask for the blocks it has, or for none", place: existing.name,
          operands: [
            .init(label: "first", name: existing.name, type: existing.type, location: existing.location)
          ]),
        location: location)
    }
    if let wanted = trainable, wanted != existing.isTrainable, existing.kind == .parameter {
      return report(
        FirnError(
          .invalidArgument,
          "variable `\(existing.name)` is shared as \(wanted ? "trainable" : "frozen") but declared \(wanted ? "frozen" : "trainable")",
          remedy: "it has one state: declare it so once, or cut one use's gradient with `stopGradient`",
          place: existing.name,
          operands: [
            .init(label: "first", name: existing.name, type: existing.type, location: existing.location)
          ]),
        location: location)
    }
    return firstRead(of: existing.name) ?? read(existing, location: location)
  }

  /// Data fixed now, part of the graph and of its text; what is to change from run to run is a placeholder.
  public func constant(_ array: NDArray, name: String? = nil) -> Tensor {
    append(Constant(array), [], name: name)[0]
  }

  /// A scalar fixed now.
  public func constant(_ value: Double, dtype: DType = .f32) -> Tensor {
    constant(NDArray(ArrayType(dtype, []), rounding: [value]))
  }

  /// The variable gets `value` when the run ends; reads in the run still see the old one.
  ///
  /// - Parameter tensor: where given, the assignment belongs to training mode: it happens in programs that compute this
  ///   tensor in training mode, at the place where `assign` is called, unless `freezing:` names the variable. Several
  ///   such assignments of one variable follow one another in the order they were built, each seeing what the one
  ///   before assigned. They cannot stand in the body of a loop.
  /// - Returns: the value. An assignment without `tensor` happens in the programs that fetch this.
  @discardableResult
  public func assign(
    _ value: Tensor, to variable: Tensor, whenTraining tensor: Tensor? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) -> Tensor {
    let location = CallSite(file, line)
    if variable.isPoisoned || value.isPoisoned || tensor?.isPoisoned == true { return .poisoned(in: self) }
    if current.parent != nil, tensor != nil {
      return report(
        FirnError(
          .invalidGraph, "assign: `\(variable.name)` is to move in the body of a loop",
          remedy: "an assignment happens once a run; move it out of the loop"), location: location)
    }
    guard variable.graph.root === root else {
      return report(
        FirnError(
          .invalidGraph, "assign: `\(variable.name)` belongs to another graph",
          remedy: "pass what `variable` of this graph returned"), location: location)
    }
    guard let declaration = variable.variable else {
      return report(
        FirnError(
          .invalidArgument, "assign: `\(variable.name)` is not a variable",
          remedy: "pass what `graph.variable` returned"),
        location: location)
    }
    guard value.type == declaration.type else {
      return report(
        FirnError(
          .shapeMismatch, "assign: the value is \(value.type), the variable \(declaration.type)",
          remedy: "reshape or cast the value"), operands: [value, variable], location: location)
    }
    return append(
      AssignVariable(declaration.name), [value] + (tensor.map { [$0] } ?? []), location: location)[0]
  }

  /// The tensor of this graph called `name`, if there is one (`split:1` for a result beyond the first).
  public func tensor(named name: String) -> Tensor? {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard let base = parts.first, parts.count <= 2 else { return nil }
    let result = parts.count == 2 ? Int(parts[1]) : 0
    guard let result, let index = nodes.firstIndex(where: { $0.name == base }),
      nodes[index].types.indices.contains(result)
    else { return nil }
    return Tensor(self, Value(index, result))
  }
}
