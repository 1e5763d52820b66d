package dev.millrace.streaming;

import dev.millrace.platform.Warehouse;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.catalog.Catalog;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.flink.FlinkCatalogFactory;

/**
 * The warehouse in Flink SQL: {@code CREATE CATALOG millrace WITH ('type' = 'millrace', 'uri' = …,
 * 'warehouse' = …)}.
 *
 * <p>It is Iceberg's catalog. Iceberg's own factory asks for the configuration of a Hadoop cluster
 * and so for all of Hadoop's client; the warehouse needs neither.
 */
public final class WarehouseCatalogFactory extends FlinkCatalogFactory {

  private static final ConfigOption<String> URI =
      ConfigOptions.key("uri").stringType().noDefaultValue();
  private static final ConfigOption<String> WAREHOUSE =
      ConfigOptions.key("warehouse").stringType().noDefaultValue();

  @Override
  public String factoryIdentifier() {
    return Warehouse.CATALOG_NAME;
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(URI, WAREHOUSE);
  }

  @Override
  public Catalog createCatalog(Context context) {
    FactoryUtil.CatalogFactoryHelper helper = FactoryUtil.createCatalogFactoryHelper(this, context);
    helper.validate();
    Map<String, String> properties =
        Warehouse.catalogProperties(
            helper.getOptions().get(URI), helper.getOptions().get(WAREHOUSE));
    return createCatalog(context.getName(), properties, new Configuration(false));
  }
}
