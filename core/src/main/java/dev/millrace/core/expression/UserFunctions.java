package dev.millrace.core.expression;

import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelIssue;
import dev.cel.common.CelOverloadDecl;
import dev.cel.common.CelValidationResult;
import dev.cel.common.types.CelType;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.extensions.CelExtensions;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelFunctionBinding;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import dev.millrace.core.plugin.InstalledScalar;
import dev.millrace.core.plugin.PluginException;
import dev.millrace.core.plugin.Plugins;
import dev.millrace.core.plugin.ScalarType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The functions of users as CEL has them: declared, bound, and judged before they are called. */
final class UserFunctions {

  private static final String OVERLOAD = "millrace_user_";

  /** Those that this process has installed. */
  static final class Installed {
    static final UserFunctions FUNCTIONS = new UserFunctions(Plugins.installed());

    private Installed() {}
  }

  private final Plugins plugins;
  private final Map<String, InstalledScalar> functions = new TreeMap<>();
  private final List<CelFunctionDecl> declarations = new ArrayList<>();
  private final CelRuntime runtime;

  /** What was said of a function that was called, so that it is tried out once. */
  private final Map<String, Optional<String>> faults = new ConcurrentHashMap<>();

  private UserFunctions(Plugins plugins) {
    this.plugins = plugins;
    List<CelFunctionBinding> bindings = new ArrayList<>();
    for (InstalledScalar function : plugins.scalars()) {
      functions.put(function.name(), function);
      if (!isCel(function.name())) {
        declarations.add(declaration(function));
        bindings.add(binding(function));
      }
    }
    this.runtime =
        CelRuntimeFactory.plannerRuntimeBuilder()
            .setOptions(Environment.OPTIONS)
            .addLibraries(CelExtensions.strings(), CelExtensions.math())
            .addFunctionBindings(bindings)
            .build();
  }

  static UserFunctions of(Plugins plugins) {
    return plugins == Plugins.installed() ? Installed.FUNCTIONS : new UserFunctions(plugins);
  }

  CelRuntime runtime() {
    return runtime;
  }

  List<CelFunctionDecl> declarations() {
    return declarations;
  }

  /** The versions of those of ours among the functions that an expression calls. */
  SortedMap<String, Integer> versions(Iterable<String> called) {
    SortedMap<String, Integer> versions = new TreeMap<>();
    for (String name : called) {
      InstalledScalar function = functions.get(name);
      if (function != null) {
        versions.put(name, function.version());
      }
    }
    return versions;
  }

  /**
   * Refuses what no expression may call.
   *
   * @throws ExpressionException where a function cannot be had or is broken
   */
  void check(String text, Iterable<String> called) {
    for (String name : called) {
      String refusal = plugins.scalarRefusal(name).orElse(null);
      if (refusal != null) {
        throw new ExpressionException(
            "compile",
            text,
            "function " + name + " cannot be had: " + refusal,
            "correct or remove the jar");
      }
      InstalledScalar function = functions.get(name);
      if (function != null) {
        check(text, function);
      }
    }
  }

  private void check(String text, InstalledScalar function) {
    if (isCel(function.name())) {
      throw new ExpressionException(
          "compile",
          text,
          function.name()
              + " is CEL's own, and "
              + function.origin()
              + " provides a function of that name",
          "give the plugin's function another name, or take its jar away");
    }
    Optional<String> fault =
        faults.computeIfAbsent(function.name(), n -> Optional.ofNullable(function.fault()));
    if (fault.isPresent()) {
      throw new ExpressionException(
          "compile",
          text,
          "function "
              + function.name()
              + " of "
              + function.origin()
              + " is broken: it "
              + fault.get(),
          "correct it, give it a higher version, and replace the jar");
    }
  }

  /** What to do where a function is not known. */
  String repair() {
    String found = functions.isEmpty() ? "none" : String.join(", ", functions.keySet());
    String problems =
        plugins.problems().isEmpty()
            ? ""
            : "; not to be had: " + String.join("; ", plugins.problems());
    return "use a function of CEL or of its strings and math extensions, or one of your own (found: "
        + found
        + problems
        + "), whose jar goes into "
        + plugins.place();
  }

  /** Whether CEL knows a function, a macro or a reserved word of a name. */
  private static boolean isCel(String name) {
    if (CelStandardMacro.STANDARD_MACROS.stream().anyMatch(m -> m.getFunction().equals(name))) {
      return true;
    }
    CelCompiler plain = Environment.builder().build();
    CelValidationResult result = plain.compile(name + "()");
    return !result.hasError()
        || result.getErrors().stream()
            .map(CelIssue::getMessage)
            .noneMatch(m -> m.startsWith("undeclared reference to '" + name + "'"));
  }

  private static CelFunctionDecl declaration(InstalledScalar function) {
    return CelFunctionDecl.newFunctionDeclaration(
        function.name(),
        CelOverloadDecl.newGlobalOverload(
            OVERLOAD + function.name(),
            celType(function.type()),
            function.parameters().stream().map(UserFunctions::celType).toList()));
  }

  @SuppressWarnings("Immutable") // A provider answers by its arguments alone, and is tried for it.
  private static CelFunctionBinding binding(InstalledScalar function) {
    List<Class<?>> classes = new ArrayList<>();
    function.parameters().forEach(p -> classes.add(celClass(p)));
    return CelFunctionBinding.from(
        OVERLOAD + function.name(), classes, arguments -> call(function, arguments));
  }

  private static Object call(InstalledScalar function, Object[] arguments)
      throws CelEvaluationException {
    List<Object> plain = new ArrayList<>(arguments.length);
    for (Object argument : arguments) {
      plain.add(argument instanceof Instant time ? (Object) time.toEpochMilli() : argument);
    }
    try {
      Object value = function.call(plain);
      return function.type() == ScalarType.TIME ? Instant.ofEpochMilli((Long) value) : value;
    } catch (PluginException e) {
      throw new CelEvaluationException(String.valueOf(e.getMessage()), e);
    }
  }

  private static CelType celType(ScalarType type) {
    return switch (type) {
      case LONG -> SimpleType.INT;
      case DOUBLE -> SimpleType.DOUBLE;
      case STRING -> SimpleType.STRING;
      case BOOLEAN -> SimpleType.BOOL;
      case TIME -> SimpleType.TIMESTAMP;
    };
  }

  private static Class<?> celClass(ScalarType type) {
    return type == ScalarType.TIME ? Instant.class : type.held();
  }
}
