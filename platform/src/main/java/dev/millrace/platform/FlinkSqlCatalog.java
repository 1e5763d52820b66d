package dev.millrace.platform;

/**
 * How Flink SQL opens the catalog; free of Iceberg, so that the local stack's supervisor is too.
 */
public final class FlinkSqlCatalog {

  /** The statements, as a file that a SQL client is started with. */
  public static String statements(Target target) {
    return """
        SET 'table.local-time-zone' = 'UTC';

        CREATE CATALOG %s WITH (
          'type' = '%s',
          'uri' = '%s',
          'warehouse' = '%s'
        );
        """
        .formatted(
            Warehouse.CATALOG_NAME,
            Warehouse.CATALOG_NAME,
            quoted(target.catalog()),
            quoted(target.warehouse()));
  }

  private static String quoted(String value) {
    return value.replace("'", "''");
  }

  private FlinkSqlCatalog() {}
}
